// What tests of clauses have in common: small configurations, and results as text.

import type { Config } from "../../runtime/config/types.gen.ts";
import type { Problem } from "../../runtime/errors.ts";
import type { Step, Wait } from "../../runtime/plan/step.ts";

/** A configuration of the given parts and what no configuration may lack. */
export function configOf(parts: Partial<Config>): Config {
  return { ociVersion: "1.3.0", root: { path: "rootfs" }, ...parts };
}

/** Steps as the printed plan shows them, without numbers. */
export function lines(steps: readonly (Step | Wait)[]): string[] {
  return steps.map((one) =>
    "waits" in one ? `${one.waits} waits` : `${one.who} ${one.op.name} ${one.op.print()}`.trimEnd(),
  );
}

/** What asks for each step. */
export function reasons(steps: readonly Step[]): string[] {
  return steps.map(({ because }) => because);
}

export function pointers(problems: readonly Problem[]): string[] {
  return problems.map(({ pointer }) => pointer);
}
