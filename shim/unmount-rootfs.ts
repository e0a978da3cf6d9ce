// What is mounted for a container's root filesystem, unmounted.

import { EBUSY, EINVAL, ENOENT } from "../runtime/errno.ts";
import { SyscallError } from "../runtime/errors.ts";
import { openExisting } from "../runtime/ops/path.ts";
import {
  closing,
  O_DIRECTORY,
  O_PATH,
  open,
  RESOLVE_NO_SYMLINKS,
  readFile,
  realPath,
} from "../runtime/sys/file.ts";
import { MNT_DETACH, tryUnmountHere } from "../runtime/sys/mount.ts";
import { changeDirectory } from "../runtime/sys/namespace.ts";
import { sleep } from "../runtime/sys/process.ts";

/** How long others may go on using what is to be unmounted: looks at it are short. */
const BUSY_LIMIT_MS = 1000;
const BUSY_STEP_MS = 20;

/**
 * Unmounts everything on and below a directory, what was mounted last first. What others keep using
 * is detached: it goes when they let go of it. The working directory is "/" then.
 */
export function unmountRootfs(directory: string): void {
  const path = tryRealPath(directory);
  if (path === undefined) return;
  const above = path.slice(0, path.lastIndexOf("/"));
  const endMs = performance.now() + BUSY_LIMIT_MS;
  closing(open(above || "/", O_PATH | O_DIRECTORY), (root) => {
    for (const mount of mountsBelow(path).toReversed()) {
      unmount(root, mount.slice(above.length + 1), endMs);
    }
  });
  closing(open("/", O_PATH | O_DIRECTORY), changeDirectory);
}

/** By its name in an opened directory: who changes the image meanwhile leads nowhere else. */
function unmount(root: number, path: string, endMs: number): void {
  const slash = path.lastIndexOf("/");
  const parent = openExisting(root, path.slice(0, Math.max(slash, 0)), RESOLVE_NO_SYMLINKS);
  if (parent === undefined) return;
  closing(parent, changeDirectory);
  const name = path.slice(slash + 1);
  let result = tryUnmountHere(name);
  while (result === -EBUSY && performance.now() < endMs) {
    sleep(BUSY_STEP_MS);
    result = tryUnmountHere(name);
  }
  if (result === -EBUSY) result = tryUnmountHere(name, MNT_DETACH);
  // Somebody else was faster.
  if (result === 0 || result === -EINVAL || result === -ENOENT) return;
  throw new SyscallError(`umount2("${path}")`, -result);
}

/** As the kernel names mounts; undefined when there is no such directory. */
function tryRealPath(directory: string): string | undefined {
  try {
    return realPath(directory);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

function mountsBelow(directory: string): string[] {
  return readFile("/proc/self/mountinfo")
    .split("\n")
    .map((line) => unescaped(line.split(" ")[4] ?? ""))
    .filter((path) => path === directory || path.startsWith(`${directory}/`));
}

/** proc_pid_mountinfo(5) writes space, tab, newline and backslash in octal. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_all, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
