// The cpu controller (config-linux.md#cpu; the kernel's scheduler/sched-bwc.rst and sched-rt-group.rst).

import type { CPU, Resources } from "../../config/types.gen.ts";
import { EINVAL, ENOENT } from "../../errno.ts";
import type { Problem } from "../../errors.ts";
import { amount, type ControlFiles, flatKeyed, type Stats, times, withPressure } from "../stats.ts";
import {
  type Controller,
  inexpressible,
  type Limits,
  NO_LIMITS,
  numberProperties,
  type Property,
  type SystemdHost,
  unlessZero,
  writesOf,
} from "./limits.ts";

const NO_RT_GROUPS = "the kernel was built without CONFIG_RT_GROUP_SCHED";
const POINTER = "/linux/resources/cpu";

const PARENT_BOUNDS = "the parent cgroup must have cpu.rt_runtime_us for it";

export const cpu: Controller = {
  name: "cpu",
  v1,
  v2,
  systemd,
  stats: { v1: statsV1, v2: statsV2 },
  hints: {
    "cpu.max": {
      [EINVAL]: "the kernel takes a quota from 1000 on and a period of 1000 to 1000000",
    },
    "cpu.max.burst": {
      [ENOENT]: "the kernel has it since 5.14",
      [EINVAL]: "the burst is at most the quota",
    },
    "cpu.idle": { [ENOENT]: "the kernel has it since 5.15" },
    "cpu.cfs_burst_us": { [ENOENT]: "the kernel has it since 5.14" },
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
    // An idle cgroup refuses shares, and has its own again when it no longer is.
    ["cpu.shares", cpu.idle === 1 ? undefined : unlessZero(cpu.shares), "shares"],
    ["cpu.cfs_period_us", unlessZero(cpu.period), "period"],
    ["cpu.cfs_quota_us", unlessZero(cpu.quota), "quota"],
    ["cpu.cfs_burst_us", cpu.burst, "burst"],
    ["cpu.rt_period_us", unlessZero(cpu.realtimePeriod), "realtimePeriod"],
    ["cpu.rt_runtime_us", unlessZero(cpu.realtimeRuntime), "realtimeRuntime"],
    ["cpu.idle", cpu.idle, "idle"],
  ]);
  return { writes, problems: [...burstProblems(cpu), ...idleProblems(cpu)], warnings: [] };
}

function v2({ cpu }: Resources): Limits {
  if (cpu === undefined) return NO_LIMITS;
  const isIdle = cpu.idle === 1;
  const writes = writesOf("cpu", POINTER, [
    // An idle cgroup refuses a weight.
    ["cpu.weight", isIdle ? undefined : weightFrom(unlessZero(cpu.shares)), "shares"],
    ["cpu.max", maxFrom(cpu), cpu.quota === undefined ? "period" : "quota"],
    // After the quota, which bounds it.
    ["cpu.max.burst", cpu.burst, "burst"],
    ["cpu.idle", cpu.idle, "idle"],
  ]);
  const problems = [
    ...burstProblems(cpu),
    ...idleProblems(cpu),
    ...inexpressible("v2", [
      [`${POINTER}/realtimePeriod`, cpu.realtimePeriod],
      [`${POINTER}/realtimeRuntime`, cpu.realtimeRuntime],
    ]),
  ];
  return { writes, problems, warnings: [] };
}

function systemd({ cpu = {} }: Resources, { layout, version }: SystemdHost): Property[] {
  const shares = unlessZero(cpu.shares);
  if (layout === "v1") {
    return [...numberProperties([["CPUShares", shares]]), ...quotaProperties(cpu, version)];
  }
  // 0 is systemd's word for idle.
  const isIdle = cpu.idle === 1 && version >= 252;
  const weight = isIdle ? 0 : weightFrom(shares);
  return [...numberProperties([["CPUWeight", weight]]), ...quotaProperties(cpu, version)];
}

const PERIOD_DEFAULT = 100_000;

/**
 * systemd has the quota as microseconds a second and keeps whole percents of a CPU when it reloads:
 * rounded up, so that what it writes then is not below what was asked for.
 */
export function quotaProperties(
  { quota, period }: Pick<CPU, "quota" | "period">,
  version: number,
): Property[] {
  const microseconds = unlessZero(period);
  const most = unlessZero(quota);
  if (most === undefined && microseconds === undefined) return [];
  return numberProperties([
    ["CPUQuotaPeriodUSec", version >= 242 ? microseconds : undefined],
    ["CPUQuotaPerSecUSec", most === undefined || most < 0 ? -1 : perSecond(most, microseconds)],
  ]);
}

function perSecond(quota: number | bigint, period: number | bigint = PERIOD_DEFAULT): bigint {
  const percent = 10_000n;
  const exact = (BigInt(quota) * 1_000_000n) / BigInt(period);
  return ((exact + percent - 1n) / percent) * percent;
}

/**
 * Shares (2 to 262144, default 1024) as a weight (1 to 10000, default 100): a quadratic in the
 * logarithm that meets all three, as runc 1.3.2 and crun 1.23 have it.
 */
export function weightFrom(shares: number | bigint | undefined): number | undefined {
  if (shares === undefined) return undefined;
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(Number(shares));
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** One file holds both; a quota that is not positive is none. */
function maxFrom({ quota, period }: CPU): string | undefined {
  const microseconds = unlessZero(period);
  if (quota === undefined && microseconds === undefined) return undefined;
  const most = quota === undefined || quota <= 0 ? "max" : `${quota}`;
  return microseconds === undefined ? most : `${most} ${microseconds}`;
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

/** Ticks of cpuacct.stat have 10 ms (USER_HZ); all else is in nanoseconds. */
const TICK = 10_000_000;

/** What is used is told by a controller of its own, cpuacct. */
function statsV1({ read, readUnified }: ControlFiles): Partial<Stats> {
  const byMode = flatKeyed(read("cpuacct.stat"));
  const stat = flatKeyed(read("cpu.stat"));
  const rows = read("cpuacct.usage_all").trim().split("\n").slice(1);
  const column = (index: number) => rows.map((row) => amount(row.split(" ")[index]));
  const each = read("cpuacct.usage_percpu").trim().split(" ");
  return {
    cpu: {
      usage: {
        total: amount(read("cpuacct.usage")),
        percpu: each.map((value) => amount(value)),
        percpu_kernel: column(2),
        percpu_user: column(1),
        kernel: times(byMode["system"] ?? 0, TICK),
        user: times(byMode["user"] ?? 0, TICK),
      },
      throttling: {
        periods: stat["nr_periods"] ?? 0,
        throttledPeriods: stat["nr_throttled"] ?? 0,
        throttledTime: stat["throttled_time"] ?? 0,
      },
      ...withPressure(readUnified("cpu.pressure")),
    },
  };
}

/** cpu.stat is in microseconds. */
function statsV2({ read }: ControlFiles): Partial<Stats> {
  const stat = flatKeyed(read("cpu.stat"));
  const nanoseconds = (key: string) => times(stat[key] ?? 0, 1000);
  return {
    cpu: {
      usage: {
        total: nanoseconds("usage_usec"),
        kernel: nanoseconds("system_usec"),
        user: nanoseconds("user_usec"),
      },
      throttling: {
        periods: stat["nr_periods"] ?? 0,
        throttledPeriods: stat["nr_throttled"] ?? 0,
        throttledTime: nanoseconds("throttled_usec"),
      },
      ...withPressure(read("cpu.pressure")),
    },
  };
}
