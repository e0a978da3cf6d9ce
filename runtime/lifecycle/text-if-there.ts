// Files of processes and cgroups, which can go at any time.

import { EACCES, ENODEV, ENOENT, EOPNOTSUPP, ESRCH } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { readFile } from "../sys/file.ts";

/** What a file of the kernel's says; undefined when it is not there, or tells the caller nothing. */
export function textIfThere(path: string): string | undefined {
  try {
    return readFile(path);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const named = [ENOENT, ESRCH, EACCES, ENODEV, EOPNOTSUPP];
    if (!named.includes(error.errno)) throw error;
    return undefined;
  }
}
