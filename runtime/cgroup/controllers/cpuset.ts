// The cpuset controller: which CPUs and memory nodes (config-linux.md#cpu; cgroup-v1/cpusets.rst).
// A new v1 cpuset has neither; ops/cgroup.ts fills them in from its parent.

import type { Resources } from "../../config/types.gen.ts";
import { EACCES, EINVAL, ERANGE } from "../../errno.ts";
import { amount, type ControlFiles, numberList, type Stats } from "../stats.ts";
import {
  type Controller,
  type Limits,
  NO_LIMITS,
  type Property,
  type SystemdHost,
  writesOf,
} from "./limits.ts";

const NOT_THERE = "a list such as 0-2,4 of what the parent cgroup has";

export const cpuset: Controller = {
  name: "cpuset",
  v1,
  // The files have the same names.
  v2: v1,
  systemd,
  stats: {
    v1: (files) => stats(files, { cpus: "cpuset.cpus", mems: "cpuset.mems" }),
    v2: (files) => stats(files, { cpus: "cpuset.cpus.effective", mems: "cpuset.mems.effective" }),
  },
  hints: {
    "cpuset.cpus": { [EACCES]: NOT_THERE, [EINVAL]: NOT_THERE, [ERANGE]: NOT_THERE },
    "cpuset.mems": { [EACCES]: NOT_THERE, [EINVAL]: NOT_THERE, [ERANGE]: NOT_THERE },
  },
};

function v1({ cpu }: Resources): Limits {
  if (cpu === undefined) return NO_LIMITS;
  const writes = writesOf("cpuset", "/linux/resources/cpu", [
    ["cpuset.cpus", cpu.cpus || undefined, "cpus"],
    ["cpuset.mems", cpu.mems || undefined, "mems"],
  ]);
  return { writes, problems: [], warnings: [] };
}

/** v2 has the lists alone. */
function stats(
  { read }: ControlFiles,
  { cpus, mems }: { cpus: string; mems: string },
): Partial<Stats> {
  const value = (name: string) => amount(read(`cpuset.${name}`));
  return {
    cpuset: {
      cpus: numberList(read(cpus)),
      cpu_exclusive: value("cpu_exclusive"),
      mems: numberList(read(mems)),
      mem_hardwall: value("mem_hardwall"),
      mem_exclusive: value("mem_exclusive"),
      memory_migrate: value("memory_migrate"),
      memory_spread_page: value("memory_spread_page"),
      memory_spread_slab: value("memory_spread_slab"),
      memory_pressure: value("memory_pressure"),
      sched_load_balance: value("sched_load_balance"),
      sched_relax_domain_level: value("sched_relax_domain_level"),
    },
  };
}

/** systemd knows cpusets of v2 alone, since version 244. */
function systemd({ cpu = {} }: Resources, { layout, version }: SystemdHost): Property[] {
  if (layout === "v1" || version < 244) return [];
  return [
    ...maskProperty("AllowedCPUs", cpu.cpus),
    ...maskProperty("AllowedMemoryNodes", cpu.mems),
  ];
}

/** A list such as 0-2,4 as bytes of bits, the lowest first; one that is no list is the kernel's to refuse. */
export function maskProperty(name: string, list: string | undefined): Property[] {
  if (!list) return [];
  const bytes: number[] = [];
  for (const range of list.split(",")) {
    const [, first, last = first] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(range) ?? [];
    if (first === undefined) return [];
    for (let bit = Number(first); bit <= Number(last); bit++) {
      while (bytes.length <= bit >> 3) bytes.push(0);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return [{ name, type: "ay", value: bytes }];
}
