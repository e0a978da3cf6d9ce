// A plan is walked, or undone, and what became of its steps is told.

import { RuntimeError } from "../errors.ts";
import type { Op } from "../ops/op.ts";
import type { Slots } from "../ops/slots.ts";
import type { Plan, Who } from "../plan/step.ts";
import type { Init } from "./init.ts";
import type { Recorder } from "./recorder.ts";
import type { Until } from "./until.ts";
import { Walker } from "./walker.ts";

export interface Run {
  plan: Plan;
  environment: Readonly<Record<string, string | undefined>>;
  /**
   * Whether what is cloned becomes the child of this process's parent, which reaps it then: of one
   * that stays when this one has done its work.
   */
  asSibling?: boolean;
  /**
   * Root of the container that the child comes to, of a plan that is recordable: the child plays a
   * tape. What cannot be done so is Untaped, and has left nothing behind.
   */
  tapedIn?: number;
  /** Whether somebody else in this process reaps its children. */
  isReaped?: boolean;
  /**
   * Whether the host serves others too: its children get none of its descriptors but the standard
   * streams, and when the plan has failed it does not wait for their end.
   */
  serves?: boolean;
  /**
   * An empty file for the recorder (see makeRecorderFile), of a caller that wants to know what has
   * been cloned when this process has been killed.
   */
  recorderFile?: number;
  /** Called by the plan's record.write steps. */
  record(phase: "identified" | "created", init: Init): void;
  /** Called with what init could not say itself. */
  warn(text: string): void;
  /** While the last process of an exec may wait for somebody who takes the listener of its filter. */
  listen?: (recorder: Recorder, baton: number) => void;
  /** How long the host waits for init. */
  until?: Until;
  /** Called once for each step, in order, when the plan has been walked or has failed. */
  trace: ((entry: TraceEntry) => void) | undefined;
}

/** When a step began, since the program started, and how long it took. */
export interface TraceEntry {
  step: number;
  who: Who;
  op: string;
  /** What it was about, as `plan` shows it. */
  detail: string;
  atMicros: number;
  micros: number;
}

/** What a finished plan leaves: init, waiting for the word to go, and what was not used up. */
export interface Started {
  init: Init;
  /** What the plan left open: `$console` of a foreground terminal. */
  slots: Slots;
}

/**
 * Walks a plan. Returns when the host has done its last step; on failure init and the joiner are
 * killed and reaped, every slot is closed, and the error names the step.
 */
export function runPlan(run: Run): Started {
  const walker = new Walker(run);
  walk(run, walker);
  return finish(run, walker);
}

/** A plan in which the host waits for the other side. */
export interface Underway {
  /** Readable when it need not wait any longer; closed with the plan's end. */
  fd: number;
  /**
   * Goes on until it has to wait again. Returns, or throws, what {@link runPlan} does; nothing as
   * long as there is more to do.
   */
  goOn(): Started | undefined;
}

/**
 * Begins a plan: the host does what it need not wait for.
 * @throws as {@link runPlan}
 */
export function beginPlan(run: Run): Underway {
  const walker = new Walker(run);
  walk(run, walker, 0);
  return {
    fd: walker.baton,
    goOn: () => (walk(run, walker, 1) ? finish(run, walker) : undefined),
  };
}

function walk(run: Run, walker: Walker, waitsMax?: number): boolean {
  try {
    return walker.walk(waitsMax);
  } catch (error) {
    const blamed = walker.abandon(error);
    reportTrace(run, walker.recorder);
    walker.recorder.close();
    throw blamed;
  }
}

function finish(run: Run, walker: Walker): Started {
  for (const line of walker.recorder.warnings()) run.warn(line);
  reportTrace(run, walker.recorder);
  walker.recorder.close();
  // Init has its own copies; as long as one of the start socket is here, init seems to listen.
  walker.slots.closeAllBut(["$init", "$console"]);
  return { init: walker.requireInit(), slots: walker.slots };
}

/**
 * Walks a plan of the host's alone, about a container that is there already. On failure its steps
 * take back what they have done.
 */
export function runHostPlan(run: Pick<Run, "plan" | "environment" | "warn">): void {
  const record = (): never => {
    throw new Error("a plan of the host alone makes no record");
  };
  const walker = new Walker({ ...run, record, trace: undefined });
  try {
    walker.walk();
  } catch (error) {
    throw walker.abandon(error);
  }
  walker.recorder.close();
  walker.slots.closeAll();
}

/**
 * Undoes the effects that steps had on the host, last first; what cannot be undone is reported.
 *
 * @param trace called after each, with the microseconds that it took
 */
export function undoPlan(
  ops: readonly Op[],
  warn: (text: string) => void,
  trace?: (op: string, micros: number) => void,
): void {
  for (const op of ops.toReversed()) {
    const startedMs = performance.now();
    try {
      op.undo?.();
      trace?.(op.name, Math.round((performance.now() - startedMs) * 1000));
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      warn(`undo ${op.name}: ${error.message}`);
    }
  }
}

function reportTrace(run: Run, recorder: Recorder): void {
  if (run.trace === undefined) return;
  for (const [step, { who, op }] of run.plan.entries()) {
    const { startedMs, endedMs, state } = recorder.row(step);
    if (state === "waiting") continue;
    const micros = (ms: number): number => Math.round(ms * 1000);
    const ended = state === "running" ? startedMs : endedMs;
    run.trace({
      step,
      who,
      op: op.name,
      detail: op.print(),
      atMicros: micros(startedMs),
      micros: micros(ended - startedMs),
    });
  }
}
