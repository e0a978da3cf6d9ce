// Plans that a process may walk which serves others meanwhile.

import type { Plan } from "../plan/step.ts";

/**
 * What a host can do that serves others: it changes nothing of its own that it does not change back
 * at once, and what it calls waits for nobody but the kernel.
 */
const AT_ONCE = new Set([
  "process.hide",
  "warn",
  "namespace.open",
  "cgroup.create",
  "cgroup.fill-cpuset",
  "cgroup.enable",
  "cgroup.write",
  "devices.attach",
  "cgroup.open",
  "cgroup.open-tree",
  "start.listen",
  "root.enter",
  "joiner.fork",
  "clone",
  "init.adopt",
  "root.leave",
  "record.write",
  "oom_score_adj.set",
  "console.keep",
  "cgroup.join",
]);

/** Whether the host waits for nobody but its own processes, where the baton is passed. */
export function isAtOnce(plan: Plan): boolean {
  return plan.every(({ who, op }) => who !== "host" || AT_ONCE.has(op.name));
}
