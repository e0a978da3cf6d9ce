// What the compiler needs to know of an architecture.

/** One architecture of a profile, as libseccomp divides them: x32 is one of its own. */
export interface Arch {
  /** Its name in `linux.seccomp.architectures`. */
  name: string;
  /** The AUDIT_ARCH_* value of seccomp_data.arch (linux/audit.h). */
  audit: number;
  /** Width of a system call argument in comparisons. */
  argumentBits: 32 | 64;
  /** First number of the range that belongs to this architecture among those of one `audit`. */
  firstNumber: number;
  /** Its calls by ascending number, counted from `firstNumber`. Others may share them. */
  calls: readonly CallNames[];
  /** Names in `calls` whose numbers are not this architecture's. */
  elsewhere?: ReadonlySet<string>;
  /** Calls with numbers above those of `calls`. */
  moreCalls?: CallNames;
  /** Calls that reach others by a number in their first argument: those numbers. */
  multiplexers?: ReadonlyMap<string, CallNames>;
}

/**
 * Names in the order of their numbers, separated by one space; a number says where the names after
 * it begin. A string is the quickest to load.
 */
export type CallNames = string;

/** The numbers of a short table, by name. */
export function numbersIn(calls: CallNames): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of calls.split(" ")) {
    const isNumber = word.charCodeAt(0) <= 0x39;
    if (isNumber) next = Number(word);
    else numbers.set(word, next++);
  }
  return numbers;
}
