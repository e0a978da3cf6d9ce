// Mounts put into their places, and what is said when they cannot be.

import { ENOTDIR, EPERM, errnoText } from "../errno.ts";
import { RuntimeError, SyscallError, withHint } from "../errors.ts";
import { type MountAttributes, moveMount, setMountAttributes } from "../sys/mount.ts";
import { S_IFDIR, S_IFMT, statusOf } from "../sys/status.ts";

/** Attaches a detached mount. @throws RuntimeError that tells of a file where a directory is */
export function putMount(mount: number, target: number): void {
  try {
    moveMount(mount, target);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const [at, what] = [kindOf(target), kindOf(mount)];
    if (at === what) throw error;
    // What mount(2) answers, whose words callers know.
    throw withHint(new RuntimeError(errnoText(ENOTDIR)), `${what} cannot be mounted on ${at}`);
  }
}

/** Changes attributes of an opened mount, in order. @throws RuntimeError that tells of locked ones */
export function adjustMount(mount: number, adjustments: readonly MountAttributes[]): void {
  for (const adjustment of adjustments) {
    try {
      setMountAttributes(mount, adjustment);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errno !== EPERM) throw error;
      throw withHint(error, "flags of a mount from outside of the user namespace stay as they are");
    }
  }
}

function kindOf(fd: number): string {
  return (statusOf(fd).mode & S_IFMT) === S_IFDIR ? "a directory" : "a file";
}

/** Makes a mount, and names it where that fails: users of callers know no other name of it. */
export function mounting(mount: { what: string; target: string }, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new RuntimeError(`${mount.what} on ${mount.target}: ${error.message}`);
  }
}
