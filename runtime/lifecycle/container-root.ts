// The root of a container's first process, by which an exec knows that it is still the container's.

import type { RootIdentity } from "../store/record.ts";
import { closeFd, O_DIRECTORY, O_PATH, tryOpen } from "../sys/file.ts";
import { statusOf } from "../sys/status.ts";
import { Untaped } from "../sys/untaped.ts";

/** Undefined when the process has ended, or does not let us look. */
export function containerRoot(pid: number): RootIdentity | undefined {
  const root = openRoot(pid);
  if (root < 0) return undefined;
  const identity = identityOf(root);
  closeFd(root);
  return identity;
}

/**
 * Calls with a descriptor of the root.
 * @throws Untaped when it is another one by now (chroot(2)), which is not that of who comes to it
 */
export function withContainerRoot<T>(
  { pid, root: expected }: { pid: number; root: RootIdentity },
  use: (root: number) => T,
): T {
  const root = openRoot(pid);
  if (root < 0) throw new Untaped("no root");
  try {
    const { mountId, inode } = identityOf(root);
    if (mountId !== expected.mountId || inode !== expected.inode) throw new Untaped("another root");
    return use(root);
  } finally {
    closeFd(root);
  }
}

function openRoot(pid: number): number {
  return tryOpen(`/proc/${pid}/root`, O_PATH | O_DIRECTORY);
}

function identityOf(root: number): RootIdentity {
  const { mountId, inode } = statusOf(root);
  return { mountId, inode: String(inode) };
}
