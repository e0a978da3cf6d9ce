// What happens to every system call number of one AUDIT_ARCH_*, as ranges of equal outcome: one
// pass through an architecture's table, which is in the order of the numbers.

import type { Arch } from "./arch/arch.ts";
import { type Outcome, outcomeFrom, type Said } from "./rules.ts";

/** From `first` to the number before the next range's. */
export interface Range {
  first: number;
  outcome: Outcome;
}

/** What a filter is made from. */
export interface Wanted {
  /** What the profile says, by name. */
  said: ReadonlyMap<string, Said>;
  filtered: readonly Arch[];
  fallbacks: Fallbacks;
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

/** A word of a table that begins with a character up to this one is a number. */
const NINE = 0x39;

/** seccomp_data.nr of a call that a tracer made the kernel skip: a call of no architecture. */
const SKIPPED = 0xffffffff;

/** __ARM_NR_BASE, asm/unistd.h of ARM: calls from here on are the machine's own, of no age. */
const AGELESS = 0xf0000;

/**
 * Ranges that cover all 32-bit numbers, ascending.
 *
 * @param archs All architectures of one AUDIT_ARCH_*, by ascending `firstNumber`.
 */
export function rangesFrom(archs: readonly Arch[], wanted: Wanted): Range[] {
  const ranges: Range[] = [];
  const { badArch, unnamed } = wanted.fallbacks;
  for (const arch of archs) {
    if (wanted.filtered.includes(arch)) addArch(ranges, arch, wanted);
    else addRange(ranges, arch.firstNumber, badArch);
  }
  if (ranges.at(-1)?.outcome === badArch) addRange(ranges, SKIPPED, unnamed);
  return ranges;
}

function addArch(ranges: Range[], arch: Arch, { said, fallbacks }: Wanted): void {
  const { firstNumber, calls, elsewhere, moreCalls, argumentBits } = arch;
  const ageless = firstNumber + AGELESS;
  /** After the last number that the profile names, and that of those which have an age. */
  let next = firstNumber;
  let newest = firstNumber;
  // As in runc: a profile that names nothing, or nothing but number 0, tells no age.
  const beyond = (): number =>
    newest === firstNumber || newest === 1 ? fallbacks.unnamed : fallbacks.newer;

  // Hundreds of rounds of cold code: what each one does is written out.
  for (const part of moreCalls === undefined ? calls : [...calls, moreCalls]) {
    const foreign = part === moreCalls ? undefined : elsewhere;
    let number = firstNumber;
    let last: Outcome | undefined;
    for (const word of part.split(" ")) {
      if (word.charCodeAt(0) <= NINE) {
        number = firstNumber + Number(word);
        continue;
      }
      const found = said.get(word);
      if (found !== undefined && !foreign?.has(word)) {
        if (next !== number) {
          last = number < ageless ? fallbacks.unnamed : beyond();
          addRange(ranges, next, last);
        }
        const outcome =
          typeof found === "number"
            ? found
            : found === null
              ? fallbacks.unnamed
              : outcomeFrom(found, argumentBits);
        if (outcome !== last) {
          last = outcome;
          addRange(ranges, number, outcome);
        }
        next = number + 1;
        if (number < ageless) newest = next;
      }
      number += 1;
    }
  }
  addRange(ranges, next, beyond());
}

function addRange(ranges: Range[], first: number, outcome: Outcome): void {
  if (ranges.at(-1)?.outcome !== outcome) ranges.push({ first, outcome });
}
