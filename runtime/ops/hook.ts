// Hooks (config.md#posix-platform-hooks): programs of the caller's at points of the lifecycle.

import { getPid } from "../sys/process.ts";
import { defineOp, type Program } from "./op.ts";

export interface HookRun {
  path: string;
  args: readonly string[];
  env: readonly string[];
  /** Where it starts; null: where the container's program will. */
  cwd: string | null;
  timeoutMs: number | null;
  /** The container's state as the hook reads it, but for its pid. */
  state: Readonly<Record<string, unknown>>;
  /** Where it runs: a hook in the container's namespaces is told the pid that it can see. */
  namespace: "runtime" | "container";
}

/** Runs one hook and waits for it; it fails unless it exits with 0 in time. */
export const runHook = defineOp<HookRun>({
  name: "hook",
  print: ({ path, state }) => `${path} (${String(state["status"])})`,
  run: (run, context) => {
    const pid = run.namespace === "runtime" ? context.initPid() : getPid();
    context.spawn(hookProgram(run, pid));
  },
});

/** The program of a hook, with the state on its standard input. */
export function hookProgram(run: HookRun, pid: number): Program {
  const { path, args, env, cwd, timeoutMs, state, namespace } = run;
  return {
    path,
    args,
    env,
    stdin: JSON.stringify({ ...state, pid }),
    // What init has to say goes through the flight recorder, whose rows are short.
    ...(namespace === "container" && { outputBytes: 300 }),
    ...(cwd !== null && { cwd }),
    ...(timeoutMs !== null && { timeoutMs }),
  };
}
