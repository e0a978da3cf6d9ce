// Which step is to blame when a plan fails: the first one that did, on whichever side.

import { RuntimeError, StepError } from "../errors.ts";
import type { Plan } from "../plan/step.ts";
import { type Ending, SIGKILL } from "../sys/process.ts";
import type { Recorder } from "./recorder.ts";
import { storyOf } from "./story.ts";

const MEMORY_LIMITS = "/linux/resources/memory";

/** Init closed its end of the baton: it is gone, and the recorder knows why. */
export class LostInit extends RuntimeError {
  override name = "LostInit";
}

/** A plan, and what its processes have recorded. */
export interface Walked {
  plan: Plan;
  recorder: Recorder;
}

/**
 * The error to throw for one that the host has met.
 *
 * @param reached the host's step
 * @param ending of init, if we have seen it
 */
export function blame(
  error: unknown,
  { plan, recorder }: Walked,
  { reached, ending }: { reached: number; ending: Ending | undefined },
): unknown {
  const isLost = error instanceof LostInit;
  for (const [index] of plan.entries()) {
    if (!isLost && index > reached) break;
    const row = recorder.row(index);
    if (row.state === "failed") return stepError(index, row.text, { plan, recorder });
  }
  if (isLost) {
    const at = plan.findLastIndex(
      (step, index) => step.who !== "host" && recorder.row(index).state !== "waiting",
    );
    // It may have been gone before it had begun anything.
    return stepError(at < 0 ? reached : at, endingText(plan, ending), { plan, recorder });
  }
  if (!(error instanceof RuntimeError) || plan[reached] === undefined) return error;
  return stepError(reached, error.message, { plan, recorder });
}

function endingText(plan: Plan, ending: Ending | undefined): string {
  const signal = ending !== undefined && "signal" in ending ? ending.signal : undefined;
  const how = signal === undefined ? "no reason given" : `signal ${signal}`;
  const isLimited = plan.some(({ because }) => because.startsWith(MEMORY_LIMITS));
  const hint =
    signal === SIGKILL && isLimited ? " (hint: the limit on memory may be too small)" : "";
  return `the process ended (${how})${hint}`;
}

/** The error of a step, with those before it. */
export function stepError(index: number, detail: string, { plan, recorder }: Walked): StepError {
  const step = plan[index];
  const because = step?.because ? ` (${step.because})` : "";
  const message = `step ${index} ${step?.op.name}${because}: ${detail}`;
  return new StepError(message, storyOf(plan, recorder, index));
}
