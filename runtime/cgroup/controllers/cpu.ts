// The cpu controller (config-linux.md#cpu; the kernel's scheduler/sched-bwc.rst and sched-rt-group.rst).

import type { CPU, Resources } from "../../config/types.gen.ts";
import type { Problem } from "../../errors.ts";
import { type Controller, type Limits, NO_LIMITS, unlessZero, writesOf } from "./limits.ts";

const ENOENT = 2;
const EINVAL = 22;

const NO_RT_GROUPS = "the kernel was built without CONFIG_RT_GROUP_SCHED";
const POINTER = "/linux/resources/cpu";

const PARENT_BOUNDS = "the parent cgroup must have cpu.rt_runtime_us for it";

export const cpu: Controller = {
  name: "cpu",
  v1,
  hints: {
    "cpu.cfs_period_us": { [EINVAL]: "the kernel takes 1000 to 1000000" },
    "cpu.cfs_quota_us": {
      [EINVAL]:
        "the kernel takes 1000 or more, and of the period no more than the parent cgroup has",
    },
    "cpu.rt_period_us": { [ENOENT]: NO_RT_GROUPS, [EINVAL]: PARENT_BOUNDS },
    "cpu.rt_runtime_us": { [ENOENT]: NO_RT_GROUPS, [EINVAL]: PARENT_BOUNDS },
  },
};

function v1({ cpu }: Resources): Limits {
  if (cpu === undefined) return NO_LIMITS;
  const writes = writesOf("cpu", POINTER, [
    ["cpu.shares", unlessZero(cpu.shares), "shares"],
    ["cpu.cfs_period_us", unlessZero(cpu.period), "period"],
    ["cpu.cfs_quota_us", unlessZero(cpu.quota), "quota"],
    ["cpu.cfs_burst_us", cpu.burst, "burst"],
    ["cpu.rt_period_us", unlessZero(cpu.realtimePeriod), "realtimePeriod"],
    ["cpu.rt_runtime_us", unlessZero(cpu.realtimeRuntime), "realtimeRuntime"],
    // After the shares: an idle cgroup refuses them.
    ["cpu.idle", cpu.idle, "idle"],
  ]);
  return { writes, problems: [...burstProblems(cpu), ...idleProblems(cpu)], warnings: [] };
}

function burstProblems({ quota = 0, burst = 0 }: CPU): Problem[] {
  if (quota <= 0 || burst <= quota) return [];
  const message = `${burst} is more than the quota ${quota}: the kernel wants at most as much`;
  return [{ pointer: `${POINTER}/burst`, message, spec: "config-linux.md#cpu" }];
}

function idleProblems({ idle = 0 }: CPU): Problem[] {
  if (idle === 0 || idle === 1) return [];
  const message = `${idle} is neither 0 nor 1`;
  return [{ pointer: `${POINTER}/idle`, message, spec: "config-linux.md#cpu" }];
}
