// The plan for people, as a table, and for programs, as JSON.

import type { Plan, Step } from "./step.ts";

/** One line a step: number, who, op, detail, what it waits for, and the pointer that asks for it. */
export function printPlan(plan: Plan): string {
  const rows = [["#", "who", "op", "detail", "", "because"], ...plan.map(cells)];
  const widths = [0, 1, 2, 3, 4].map((column) => {
    return Math.min(
      Math.max(...rows.map((row) => row[column]?.length ?? 0)),
      column === 3 ? 60 : 30,
    );
  });
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n");
}

function cells({ who, op, because, after }: Step, index: number): string[] {
  const waiting = after === undefined ? "" : `after ${after}`;
  return [String(index), who, op.name, op.print(), waiting, because];
}

/** The steps as plain data. */
export function planJson(plan: Plan): object[] {
  return plan.map(({ who, op, because, after }, step) => ({
    step,
    who,
    op: op.name,
    args: op.args,
    ...(after !== undefined && { after }),
    because,
  }));
}
