// The hooks outside of any plan: poststart and poststop (runtime.md#lifecycle).

import { hookRuns } from "../clauses/hooks.ts";
import type { Config, Hooks } from "../config/types.gen.ts";
import { callerEnvironment, callerLimits } from "../engine/caller.ts";
import { RuntimeError } from "../errors.ts";
import { type HookRun, hookProgram } from "../ops/hook.ts";

export interface HookOptions {
  kind: Extract<keyof Hooks, "poststart" | "poststop">;
  /** The hooks, and the annotations that their state tells. */
  hooks: Pick<Config, "hooks" | "annotations">;
  id: string;
  bundle: string;
  status: string;
  /** As the host sees it; 0 when there is no process. */
  pid: number;
  environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the hooks of one kind in order; the first failure ends it. */
export function runHooks(options: HookOptions): void {
  for (const run of runsFor(options)) runOne(run, options);
}

/** Runs the hooks of one kind, all of them; a failure is only told (runtime.md#lifecycle, 13). */
export function tryHooks(options: HookOptions, warn: (text: string) => void): void {
  for (const run of runsFor(options)) {
    try {
      runOne(run, options);
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      warn(error.message);
    }
  }
}

function runsFor({ kind, hooks, id, bundle, status, environment }: HookOptions): HookRun[] {
  const container = { id, bundle, environment: callerEnvironment(environment) };
  return hookRuns(kind, { config: hooks, container, status });
}

function runOne(run: HookRun, { kind, pid, environment }: HookOptions): void {
  // Most containers have no such hook.
  const { spawnProgram }: typeof import("../engine/spawn.ts") = require("../engine/spawn.ts");
  try {
    spawnProgram(hookProgram(run, pid), callerLimits(environment));
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new RuntimeError(`${kind} hook: ${error.message}`);
  }
}
