// From lists of steps to a plan: numbers the steps and sets the `after` of those that wait.

import type { Plan, Step, Wait } from "./step.ts";

/**
 * Flattens the page into one frozen plan. A wait is for the latest earlier step of the other side,
 * which is enough because each side performs its steps in order.
 */
export function assemble(page: readonly (readonly (Step | Wait)[] | Wait)[]): Plan {
  const plan: Step[] = [];
  const waiting = { host: false, init: false };
  const waitedFor = { host: -1, init: -1 };
  for (const entry of page.flat()) {
    if ("waits" in entry) {
      waiting[entry.waits] = true;
      continue;
    }
    const side = sideOf(entry);
    const after = entry.op.name === "init.adopt" || waiting[side] ? latest(plan, side) : -1;
    waiting[side] = false;
    if (after <= waitedFor[side]) plan.push(Object.freeze({ ...entry }));
    else {
      plan.push(Object.freeze({ ...entry, after }));
      waitedFor[side] = after;
    }
  }
  return Object.freeze(plan);
}

/** The joiner stands on init's side of the baton. */
function sideOf({ who }: Step): "host" | "init" {
  return who === "host" ? "host" : "init";
}

/** Index of the latest step of the other side. */
function latest(plan: readonly Step[], side: "host" | "init"): number {
  return plan.findLastIndex((earlier) => sideOf(earlier) !== side);
}
