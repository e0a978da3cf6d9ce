// Every error that the runtime throws on purpose. Words are joined here; exit codes are chosen in cli/.

import { errnoText } from "./errno.ts";

/** A failure with a sentence for the user. Everything thrown on purpose is one of these. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
}

/** Something wrong with a configuration file: where, what was found, what is wanted. */
export interface Problem {
  /** JSON pointer (RFC 6901) of the offending value; "" is the whole document. */
  pointer: string;
  /** What is wrong, with the value that was found and what is wanted instead. */
  message: string;
  /** Heading of the specification that says so, such as "config.md#process". */
  spec?: string;
  /** What to do about it, where we know. */
  hint?: string;
}

/** All problems of one configuration, reported at once. */
export class ConfigError extends RuntimeError {
  override name = "ConfigError";
  readonly problems: readonly Problem[];
  constructor(file: string, problems: readonly Problem[]) {
    super(`${file}: ${problemLines(problems).join("; ")}`);
    this.problems = problems;
  }
}

/** Callers put the text into errors of their own: the first twenty tell enough. */
const PROBLEMS_TOLD_MAX = 20;

/** Problems as lines, the first of them. */
export function problemLines(problems: readonly Problem[]): string[] {
  const lines = problems.slice(0, PROBLEMS_TOLD_MAX).map(problemText);
  const more = problems.length - lines.length;
  return more === 0 ? lines : [...lines, `… and ${more} more`];
}

/** A problem as one line: pointer, message, hint. */
export function problemText(problem: Problem): string {
  const where = problem.pointer === "" ? "" : `${problem.pointer}: `;
  const hint = problem.hint === undefined ? "" : ` (hint: ${problem.hint})`;
  return `${where}${problem.message}${hint}`;
}

/** The error with what to do about it, where we know. */
export function withHint(error: RuntimeError, hint: string | undefined): RuntimeError {
  return hint === undefined ? error : new RuntimeError(`${error.message} (hint: ${hint})`);
}

/** A container that does not exist, exists already, or is in the wrong state for a command. */
export class StateError extends RuntimeError {
  override name = "StateError";
}

/** There is no such container. */
export class MissingError extends StateError {
  override name = "MissingError";
}

/** A system call that failed, printed like strace prints it. */
export class SyscallError extends RuntimeError {
  override name = "SyscallError";
  /** Positive errno value. */
  readonly errno: number;
  /** `call` is the call with its arguments, such as `openat2("/etc", O_PATH)`. */
  constructor(call: string, errno: number) {
    super(`${call}: ${errnoText(errno)}`);
    this.errno = errno;
  }
}

/** A step of a plan that failed, in whichever process it ran. */
export class StepError extends RuntimeError {
  override name = "StepError";
  /** The step with those before it, one line each: shown below the message, never a part of it. */
  readonly story: readonly string[];
  constructor(message: string, story: readonly string[]) {
    super(message);
    this.story = story;
  }
}
