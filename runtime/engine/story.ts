// How it came to a failure: the failed step with those before it, as the flight recorder has them.

import { escapeControls } from "../escape-controls.ts";
import type { Plan } from "../plan/step.ts";
import type { Recorder, Row } from "./recorder.ts";

const STEPS_BEFORE = 3;
const LINE_LENGTH_MAX = 120;

/**
 * The failed step and the three before it that had begun, in the order of the plan, one line each:
 * number, who, how long it took, op, detail.
 */
export function storyOf(plan: Plan, recorder: Recorder, failed: number): string[] {
  const rows = plan
    .slice(0, failed + 1)
    .map(({ who, op }, index) => ({ who, op, index, row: recorder.row(index) }))
    .filter(({ index, row }) => index === failed || row.state !== "waiting")
    .slice(-1 - STEPS_BEFORE)
    .map(({ who, op, index, row }) => {
      const took = index === failed ? "failed" : timeOf(row);
      return [String(index), who.padEnd(6), took, op.name, op.print()];
    });
  const widths = [0, 1, 2, 3].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((cell, at) =>
      at === 0 || at === 2 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    );
    return shortened(escapeControls(cells.join("  ").trimEnd()));
  });
}

function timeOf({ state, startedMs, endedMs }: Row): string {
  return state === "done" ? `${(endedMs - startedMs).toFixed(1)} ms` : "not done";
}

function shortened(line: string): string {
  return line.length > LINE_LENGTH_MAX ? `${line.slice(0, LINE_LENGTH_MAX - 1)}…` : line;
}
