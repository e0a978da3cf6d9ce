// Mounts put into their places, and what is said when they cannot be.

import { ENOTDIR, errnoText } from "../errno.ts";
import { RuntimeError, SyscallError, withHint } from "../errors.ts";
import { moveMount } from "../sys/mount.ts";
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
