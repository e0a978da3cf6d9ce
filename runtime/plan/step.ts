// The plan as data: an ordered list of steps that the host, the joiner and init walk side by side.

import type { Problem } from "../errors.ts";
import type { Op } from "../ops/op.ts";

/** Who performs a step. */
export type Who = "host" | "joiner" | "init";

export interface Step {
  readonly who: Who;
  readonly op: Op;
  /** JSON pointer into config.json of what asks for this step; "" when every container has it. */
  readonly because: string;
  /** Index of an earlier step of another process that has to be done first (the baton). */
  readonly after?: number;
}

export type Plan = readonly Step[];

/** What a clause makes of its part of config.json: steps in order, or what is wrong with it. */
export interface Clause {
  readonly steps: readonly Step[];
  readonly problems: readonly Problem[];
}

/** A clause that asks for nothing. */
export const nothing: Clause = { steps: [], problems: [] };

/** One step of a clause. */
export function step(who: Who, op: Op, because: string): Step {
  return { who, op, because };
}

/** A clause of steps only. */
export function steps(list: readonly Step[]): Clause {
  return { steps: list, problems: [] };
}

/** A clause that cannot be done. */
export function problems(...list: readonly Problem[]): Clause {
  return { steps: [], problems: list };
}

/** A mark between steps: the next step of that side waits for all earlier ones of the other. */
export interface Wait {
  waits: "host" | "init";
}

/** The next step of this side comes after everything that the other side has been told so far. */
export function waits(side: "host" | "init"): Wait {
  return { waits: side };
}
