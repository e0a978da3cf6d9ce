// The memory controller (config-linux.md#memory; the kernel's admin-guide/cgroup-v1/memory.rst).

import type { Memory, Resources } from "../../config/types.gen.ts";
import { EBUSY, EINVAL, ENOENT } from "../../errno.ts";
import type { Problem } from "../../errors.ts";
import {
  amount,
  type Bounded,
  type ControlFiles,
  flatKeyed,
  NO_LIMIT,
  plus,
  type Stats,
  withPressure,
} from "../stats.ts";
import {
  type Controller,
  inexpressible,
  type Limits,
  NO_LIMITS,
  numberProperties,
  orMax,
  type Property,
  type SystemdHost,
  unlessZero,
  type Write,
  writesOf,
} from "./limits.ts";

const POINTER = "/linux/resources/memory";

/**
 * `useHierarchy` is what v1 does anyway since Linux 5.11. `checkBeforeUpdate` has nothing to check
 * in a new cgroup.
 */
export const memory: Controller = {
  name: "memory",
  v1,
  v2,
  systemd,
  hints: {
    "memory.limit_in_bytes": { [EBUSY]: "more memory than that is in use" },
    "memory.memsw.limit_in_bytes": {
      [ENOENT]: "the kernel does not count swap: boot it with swapaccount=1, or leave swap out",
      [EINVAL]: "it bounds memory and swap together and cannot be below the memory limit",
    },
    "memory.kmem.tcp.limit_in_bytes": { [ENOENT]: "this kernel does not count TCP memory" },
  },
  stats: { v1: statsV1, v2: statsV2 },
  resets: { "memory.oom_control": "0" },
};

function v1({ memory }: Resources): Limits {
  if (memory === undefined) return NO_LIMITS;
  const writes = writesOf("memory", POINTER, [
    ["memory.limit_in_bytes", unlessZero(memory.limit), "limit"],
    ["memory.soft_limit_in_bytes", unlessZero(memory.reservation), "reservation"],
    // After the limit: the kernel refuses a sum of memory and swap that is below the memory alone.
    ["memory.memsw.limit_in_bytes", unlessZero(memory.swap), "swap"],
    ["memory.kmem.tcp.limit_in_bytes", unlessZero(memory.kernelTCP), "kernelTCP"],
    ["memory.swappiness", memory.swappiness, "swappiness"],
    ["memory.oom_control", memory.disableOOMKiller ? 1 : undefined, "disableOOMKiller"],
  ]);
  return { writes, problems: swapProblems(memory), warnings: kernelWarnings(memory) };
}

/** `memory.swap.max` counts swap alone; without it a kernel that counts no swap may still say none. */
function v2({ memory }: Resources): Limits {
  if (memory === undefined) return NO_LIMITS;
  const swap = swapAlone(memory);
  const writes: Write[] = [
    ...writesOf("memory", POINTER, [
      ["memory.max", orMax(unlessZero(memory.limit)), "limit"],
      ["memory.low", orMax(unlessZero(memory.reservation)), "reservation"],
    ]),
    ...writesOf("memory", POINTER, [["memory.swap.max", swap, "swap"]]).map((write) =>
      swap === "max" || swap === 0n ? { ...write, otherwise: null } : write,
    ),
  ];
  const problems = [
    ...swapProblems(memory),
    ...inexpressible("v2", [
      // Zero is a wish, too: not to swap.
      [`${POINTER}/swappiness`, memory.swappiness === undefined ? undefined : true],
      [`${POINTER}/disableOOMKiller`, memory.disableOOMKiller],
    ]),
  ];
  const warnings = [...kernelWarnings(memory), ...tcpWarnings(memory)];
  return { writes, problems, warnings };
}

function systemd({ memory = {} }: Resources, { layout }: SystemdHost): Property[] {
  const limit = unlessZero(memory.limit);
  if (layout === "v1") return numberProperties([["MemoryLimit", limit]]);
  const swap = swapAlone(memory);
  return numberProperties([
    ["MemoryMax", limit],
    ["MemoryLow", unlessZero(memory.reservation)],
    ["MemorySwapMax", swap === "max" ? -1 : swap],
  ]);
}

/** What of `swap`, which is memory and swap together, is left for swap. */
function swapAlone({ limit = 0, swap = 0 }: Memory): bigint | "max" | undefined {
  if (swap < 0 || (swap === 0 && limit < 0)) return "max";
  return swap === 0 ? undefined : BigInt(swap) - BigInt(limit);
}

function swapProblems({ limit = 0, swap = 0 }: Memory): Problem[] {
  if (swap <= 0 || (limit > 0 && limit <= swap)) return [];
  const wanted =
    limit > 0 ? `at least the memory limit ${limit}` : "a memory limit beside it (limit)";
  const message = `${swap} is the limit on memory and swap together: it wants ${wanted}`;
  return [{ pointer: `${POINTER}/swap`, message, spec: "config-linux.md#memory" }];
}

/** The kernel has none since Linux 5.16: it refuses the file or takes any value without effect. */
function kernelWarnings({ kernel }: Memory): string[] {
  if (unlessZero(kernel) === undefined) return [];
  return [`${POINTER}/kernel: a limit on kernel memory has no effect: the kernel dropped it`];
}

/** v2 counts TCP memory with all other. */
function tcpWarnings({ kernelTCP }: Memory): string[] {
  if (unlessZero(kernelTCP) === undefined) return [];
  return [`${POINTER}/kernelTCP: a limit on TCP memory alone has no effect on cgroup v2`];
}

function statsV1({ read, readUnified }: ControlFiles): Partial<Stats> {
  const bounded = (kind: string): Bounded => ({
    limit: amount(read(`memory.${kind}limit_in_bytes`)),
    usage: amount(read(`memory.${kind}usage_in_bytes`)),
    max: amount(read(`memory.${kind}max_usage_in_bytes`)),
    failcnt: amount(read(`memory.${kind}failcnt`)),
  });
  const raw = flatKeyed(read("memory.stat"));
  return {
    memory: {
      cache: raw["cache"] ?? 0,
      usage: bounded(""),
      swap: bounded("memsw."),
      kernel: bounded("kmem."),
      kernelTCP: bounded("kmem.tcp."),
      raw,
      ...withPressure(readUnified("memory.pressure")),
    },
  };
}

/** Swap is told with memory, as v1 has it; kernel memory has no limit of its own. */
function statsV2({ read }: ControlFiles): Partial<Stats> {
  const bounded = (name: string): Bounded => ({
    limit: amount(read(`${name}.max`)),
    usage: amount(read(`${name}.current`)),
    max: amount(read(`${name}.peak`)),
    failcnt: flatKeyed(read(`${name}.events`))["max"] ?? 0,
  });
  const raw = flatKeyed(read("memory.stat"));
  const usage = bounded("memory");
  const swap = bounded("memory.swap");
  const isBounded = usage.limit !== NO_LIMIT && swap.limit !== NO_LIMIT;
  const none = { limit: 0, usage: 0, max: 0, failcnt: 0 };
  return {
    memory: {
      cache: raw["file"] ?? 0,
      usage,
      swap: {
        ...swap,
        usage: plus(usage.usage, swap.usage),
        limit: isBounded ? plus(usage.limit, swap.limit) : NO_LIMIT,
      },
      kernel: { ...none, usage: raw["kernel"] ?? 0 },
      kernelTCP: { ...none, usage: raw["sock"] ?? 0 },
      raw,
      ...withPressure(read("memory.pressure")),
    },
  };
}
