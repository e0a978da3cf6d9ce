// A problem between fields, which no schema of a single field can find.

import type { Problem } from "../errors.ts";

/** A problem and the name of the rule that found it. */
export interface Violation extends Problem {
  /** Name of the rule, such as "namespace once". */
  rule: string;
}

/** A violation for each entry whose key an earlier entry has already. */
export function repeated<T>(
  entries: readonly T[],
  keyOf: (entry: T) => string,
  violation: (entry: { key: string; index: number; first: number }) => Violation,
): Violation[] {
  const firsts = new Map<string, number>();
  const violations: Violation[] = [];
  entries.forEach((entry, index) => {
    const key = keyOf(entry);
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, index);
    else violations.push(violation({ key, index, first }));
  });
  return violations;
}
