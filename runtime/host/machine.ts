// What `doctor` asks a machine: texts and files of it, and what its kernel answers. Only
// probe-machine.ts asks a real one; tests answer for machines that are not there.

import type { CallName } from "../sys/questions.ts";

export interface Machine {
  /** Effective user id of the caller. */
  readonly uid: number;
  /** As uname(2) names it, such as "x86_64". */
  readonly architecture: string;
  /** Absolute path of the folder for the state of containers. @throws RuntimeError if there is none */
  root(): string;
  /** Text of a file; undefined if there is none, or none that can be read. */
  text(path: string): string | undefined;
  /** Names in a directory; undefined if there is none, or none that can be read. */
  names(path: string): readonly string[] | undefined;
  /** Type and permissions of what a path leads to, as st_mode, and its owner. */
  status(path: string): { mode: number; uid: number } | undefined;
  /** Whether the caller may write to what a path leads to. */
  isWritable(path: string): boolean;
  /** The positive errno of a system call that was given nonsense; 0 if it made sense to it. */
  answers(call: CallName): number;
  /** Whether the kernel knows an action of seccomp(2). */
  hasAction(action: number): boolean;
  /** Whether the kernel knows flags of seccomp(2). */
  hasFilterFlags(flags: number): boolean;
  /** The positive errno of unshare(2), or 0; then this process is in new namespaces. */
  unshare(flags: number): number;
}
