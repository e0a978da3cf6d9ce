// How the kernel treats a process: CPU and I/O scheduling, NUMA memory, personality.

import { check, syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";

/** What sched_setattr(2) sets; times in nanoseconds. */
export interface SchedulingAttributes {
  /** SCHED_* */
  policy: number;
  /** SCHED_FLAG_* */
  flags: number;
  nice: number;
  priority: number;
  runtime: bigint;
  deadline: bigint;
  period: bigint;
}

/** The whole range of utilization, for the flags that want one (SCHED_CAPACITY_SCALE). */
const UTILIZATION_MAX = 1024;

/** sched_setattr(2) of a process, 0 for this one; returns 0 or the negative errno. Linux 3.14. */
export function trySetScheduling(pid: number, attributes: SchedulingAttributes): number {
  const SCHED_ATTR_SIZE_VER1 = 56;
  const { address, bytes } = piece(SCHED_ATTR_SIZE_VER1);
  bytes.writeUInt32LE(SCHED_ATTR_SIZE_VER1, 0);
  bytes.writeUInt32LE(attributes.policy, 4);
  bytes.writeUInt32LE(attributes.flags, 8);
  bytes.writeInt32LE(attributes.nice, 16);
  bytes.writeInt32LE(attributes.priority, 20);
  bytes.writeBigUInt64LE(attributes.runtime, 24);
  bytes.writeBigUInt64LE(attributes.deadline, 32);
  bytes.writeBigUInt64LE(attributes.period, 40);
  bytes.writeUInt32LE(UTILIZATION_MAX, 52);
  return syscall(NR.sched_setattr, pid, address, 0);
}

/** ioprio_set(2) of a process, 0 for this one; returns 0 or the negative errno. */
export function trySetIoPriority(pid: number, level: { class: number; priority: number }): number {
  const IOPRIO_WHO_PROCESS = 1;
  const IOPRIO_CLASS_SHIFT = 13;
  const value = (level.class << IOPRIO_CLASS_SHIFT) | level.priority;
  return syscall(NR.ioprio_set, IOPRIO_WHO_PROCESS, pid, value);
}

/** set_mempolicy(2) of this process; `mode` with MPOL_F_*. Returns 0 or the negative errno. */
export function trySetMemoryPolicy(mode: number, nodes: readonly number[]): number {
  if (nodes.length === 0) return syscall(NR.set_mempolicy, mode, 0, 0);
  const NODES_MAX = 1024;
  const { address, bytes } = piece(NODES_MAX / 8);
  for (const node of nodes) bytes[node >> 3] = (bytes[node >> 3] ?? 0) | (1 << (node & 7));
  // The kernel leaves out the last of as many bits as it is told.
  return syscall(NR.set_mempolicy, mode, address, NODES_MAX + 1);
}

/** sched_setaffinity(2) of this process; returns 0 or the negative errno. */
export function trySetAffinity(cpus: readonly number[]): number {
  const words = Math.floor(Math.max(0, ...cpus) / 64) + 1;
  const { address, bytes } = piece(words * 8);
  for (const cpu of cpus) bytes[cpu >> 3] = (bytes[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  const result = syscall(NR.sched_setaffinity, 0, words * 8, address);
  return Math.min(result, 0);
}

/** personality(2). */
export function setPersonality(persona: number): void {
  check(syscall(NR.personality, persona), () => `personality(0x${persona.toString(16)})`);
}
