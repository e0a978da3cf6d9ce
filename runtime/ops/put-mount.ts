// A detached mount put into its place.

import { RuntimeError, SyscallError } from "../errors.ts";
import { S_IFDIR, S_IFMT, statusOf } from "../sys/file.ts";
import { moveMount } from "../sys/mount.ts";

/** @throws RuntimeError that tells which of the two is the directory, where one alone is */
export function putMount(mount: number, target: number, path: string): void {
  try {
    moveMount(mount, target);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const [at, what] = [kindOf(target), kindOf(mount)];
    if (at === what) throw error;
    throw new RuntimeError(
      `${error.message} (hint: ${path} is ${at}, what is mounted there ${what})`,
    );
  }
}

function kindOf(fd: number): string {
  return (statusOf(fd).mode & S_IFMT) === S_IFDIR ? "a directory" : "a file";
}
