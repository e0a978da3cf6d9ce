// Hooks (config.md#posix-platform-hooks): programs of the caller's at points of the lifecycle.

import { getPid } from "../sys/process.ts";
import { defineOp } from "./op.ts";

export interface HookRun {
  path: string;
  args: readonly string[];
  env: readonly string[];
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
  run: ({ path, args, env, timeoutMs, state, namespace }, context) => {
    const pid = namespace === "runtime" ? context.initPid() : getPid();
    context.spawn({
      path,
      args,
      env,
      stdin: JSON.stringify({ ...state, pid }),
      ...(timeoutMs !== null && { timeoutMs }),
    });
  },
});
