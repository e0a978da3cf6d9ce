// All checks of one machine.

import type { Machine } from "../host/machine.ts";
import type { Check, Finding } from "./check.ts";

/** Judges a machine by all checks, those that change this process last; in the checks' order. */
export function examine(machine: Machine, checks: readonly Check[]): Finding[] {
  const found = new Map<Check, Finding>();
  const order = [...checks.filter(({ last }) => !last), ...checks.filter(({ last }) => last)];
  for (const check of order) {
    const { area, topic } = check;
    found.set(check, { area, topic, ...check.judge(machine) });
  }
  return checks.flatMap((check) => found.get(check) ?? []);
}
