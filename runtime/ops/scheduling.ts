// How the kernel treats the program: CPU and I/O scheduling, and where its memory is taken from.

import { EBUSY, EINVAL, ENOSYS, EOPNOTSUPP, EPERM } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import {
  trySetAffinity,
  trySetIoPriority,
  trySetMemoryPolicy,
  trySetScheduling,
} from "../sys/scheduling.ts";
import { defineOp, type OpContext } from "./op.ts";

/** Init does it for itself, or the host for init where only the host may. */
type Target = "self" | "init";

interface Scheduling {
  target: Target;
  policy: string;
  /** SCHED_* */
  number: number;
  nice: number;
  priority: number;
  /** SCHED_FLAG_* */
  flags: number;
  /** Nanoseconds, as text of 64-bit integers. */
  runtime: string;
  deadline: string;
  period: string;
}

/** sched_setattr(2). */
export const setScheduling = defineOp<Scheduling>({
  name: "scheduler.set",
  print: ({ policy, nice, priority, runtime, deadline, period }) => {
    if (policy === "SCHED_DEADLINE") return `${policy} ${runtime}/${deadline}/${period} ns`;
    return priority === 0 ? `${policy} nice ${nice}` : `${policy} priority ${priority}`;
  },
  run: ({ target, policy, number, runtime, deadline, period, ...rest }, context) => {
    const result = trySetScheduling(pidOf(target, context), {
      ...rest,
      policy: number,
      runtime: BigInt(runtime),
      deadline: BigInt(deadline),
      period: BigInt(period),
    });
    if (result < 0)
      throw fault(`sched_setattr(${policy})`, -result, schedulingHint(policy, -result));
  },
});

function schedulingHint(policy: string, errno: number): string | undefined {
  const isRealtime = policy === "SCHED_FIFO" || policy === "SCHED_RR";
  if (errno === EPERM && isRealtime) {
    return "it takes CAP_SYS_NICE and, where the kernel groups realtime processes, a cgroup with cpu.rt_runtime_us above 0: set /linux/resources/cpu/realtimeRuntime";
  }
  if (errno === EPERM && policy === "SCHED_DEADLINE") {
    return "it takes CAP_SYS_NICE and all CPUs of a scheduling domain";
  }
  if (errno === EPERM) return "a nice value below the caller's takes CAP_SYS_NICE";
  if (errno === EBUSY) return "the CPUs have not that much time left for SCHED_DEADLINE";
  if (errno === EOPNOTSUPP) return "this kernel has no utilization clamping";
  if (errno !== EINVAL) return undefined;
  if (policy === "SCHED_ISO") return "Linux has reserved the name and never had the policy";
  return policy === "SCHED_DEADLINE"
    ? "kernel.sched_deadline_period_min_us and kernel.sched_deadline_period_max_us bound the period"
    : undefined;
}

/** ioprio_set(2); what init forks later has the same, and so its whole process group. */
export const setIoPriority = defineOp<{
  target: Target;
  className: string;
  class: number;
  priority: number;
}>({
  name: "io_priority.set",
  print: ({ className, priority }) => `${className} ${priority}`,
  run: ({ target, className, ...level }, context) => {
    const result = trySetIoPriority(pidOf(target, context), level);
    if (result === 0) return;
    const hint = result === -EPERM ? "it takes CAP_SYS_ADMIN or CAP_SYS_NICE" : undefined;
    throw fault(`ioprio_set(${className}, ${level.priority})`, -result, hint);
  },
});

/** set_mempolicy(2), kept over execve(2). */
export const setMemoryPolicy = defineOp<{ text: string; mode: number; nodes: readonly number[] }>({
  name: "memory_policy.set",
  print: ({ text }) => text,
  run: ({ text, mode, nodes }) => {
    const result = trySetMemoryPolicy(mode, nodes);
    if (result === 0) return;
    throw fault(`set_mempolicy(${text})`, -result, memoryPolicyHint(-result));
  },
});

function memoryPolicyHint(errno: number): string | undefined {
  if (errno === ENOSYS) return "this kernel knows no NUMA";
  if (errno !== EINVAL) return undefined;
  return "a node is not there or not in the container's cpuset, or the mode does not take such nodes or flags";
}

/** sched_setaffinity(2), kept over clone(2) and execve(2). */
export const setAffinity = defineOp<{ text: string; cpus: readonly number[] }>({
  name: "affinity.set",
  print: ({ text }) => text,
  run: ({ text, cpus }) => {
    const result = trySetAffinity(cpus);
    if (result === 0) return;
    const hint = result === -EINVAL ? "none of them is online and in the cpuset" : undefined;
    throw fault(`sched_setaffinity(${text})`, -result, hint);
  },
});

function pidOf(target: Target, context: OpContext): number {
  return target === "self" ? 0 : context.initPid();
}

function fault(call: string, errno: number, hint: string | undefined): RuntimeError {
  const { message } = new SyscallError(call, errno);
  return new RuntimeError(hint === undefined ? message : `${message} (hint: ${hint})`);
}
