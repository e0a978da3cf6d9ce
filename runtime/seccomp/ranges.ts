// What happens to every system call number of one AUDIT_ARCH_*, as ranges of equal outcome.

import type { Arch } from "./arch/arch.ts";
import type { ArchRules, Outcome } from "./rules.ts";

/** From `first` to the number before the next range's. */
export interface Range {
  first: number;
  outcome: Outcome;
}

/** What happens to numbers that no rule is about. */
export interface Fallbacks {
  /** Up to the newest system call that the profile names. */
  unnamed: number;
  /** Beyond that one. */
  newer: number;
  /** Of an architecture that is not filtered. */
  badArch: number;
}

/** seccomp_data.nr of a call that a tracer made the kernel skip: a call of no architecture. */
const SKIPPED = 0xffffffff;

/**
 * Ranges that cover all 32-bit numbers, ascending.
 *
 * @param archs All architectures of one AUDIT_ARCH_*, by ascending `firstNumber`.
 * @param archRules The rules of those that are filtered.
 */
export function rangesFrom(
  archs: readonly Arch[],
  archRules: readonly ArchRules[],
  fallbacks: Fallbacks,
): Range[] {
  const ranges: Range[] = [];
  for (const arch of archs) {
    const rules = archRules.find((candidate) => candidate.arch === arch);
    if (rules === undefined) {
      addRange(ranges, arch.firstNumber, fallbacks.badArch);
      addRange(ranges, SKIPPED, fallbacks.unnamed);
    } else {
      addArch(ranges, rules, fallbacks);
    }
  }
  return ranges;
}

function addArch(ranges: Range[], rules: ArchRules, { unnamed, newer }: Fallbacks): void {
  let next = rules.arch.firstNumber;
  let last: Outcome | undefined;
  for (const named of rules.outcomes) {
    const outcome = named ?? unnamed;
    if (outcome !== last) addRange(ranges, next, outcome);
    last = outcome;
    next += 1;
  }
  // As in runc: a profile that names nothing, or nothing but number 0, tells no age.
  const namesNothing = rules.newest === 0;
  if (namesNothing || next <= rules.newest) addRange(ranges, next, unnamed);
  if (!namesNothing) addRange(ranges, rules.newest + 1, newer);
}

function addRange(ranges: Range[], first: number, outcome: Outcome): void {
  if (ranges.at(-1)?.outcome !== outcome) ranges.push({ first, outcome });
}
