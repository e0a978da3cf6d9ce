// Why execve(2) refused a program that is there, in the words that callers make exit codes of.

import { EACCES, ENOENT, ENOEXEC, EPERM, errnoText } from "../errno.ts";
import { RuntimeError, withHint } from "../errors.ts";

/** The error of a program that could not be executed when its time had come. */
export function programFailure(program: string | null, errno: number): RuntimeError {
  return withHint(new RuntimeError(`exec: "${program}": ${errnoText(errno)}`), HINTS[errno]);
}

/** None has the words of another. */
const HINTS: Readonly<Record<number, string>> = {
  [EPERM]:
    "the seccomp filter forbids execve, or the file has capabilities that the bounding set lacks",
  [ENOENT]: "its interpreter or dynamic loader is missing in the root filesystem",
  [ENOEXEC]: "it is for another machine, or a script without a #! line",
  [EACCES]: "the user of the process may not execute it, or not pass a directory above it",
};
