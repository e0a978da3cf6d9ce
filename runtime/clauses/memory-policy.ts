// linux.memoryPolicy (config-linux.md#memory-policy): from which NUMA nodes memory is taken.

import type { Config, MemoryPolicyFlag, MemoryPolicyMode } from "../config/types.gen.ts";
import { setMemoryPolicy } from "../ops/scheduling.ts";
import { type Clause, nothing, problems, step, steps } from "../plan/step.ts";

/** linux/mempolicy.h */
const MODES: Readonly<Record<MemoryPolicyMode, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};

/** linux/mempolicy.h */
const FLAGS: Readonly<Record<MemoryPolicyFlag, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
};

/** As `features` lists them. */
export const MEMORY_POLICY_MODES: readonly string[] = Object.keys(MODES);
export const MEMORY_POLICY_FLAGS: readonly string[] = Object.keys(FLAGS);

/** linux/numa.h: more than 1 << 10 nodes are in no kernel. */
const NODE_MAX = 1023;

export function memoryPolicy(config: Config): Clause {
  const wanted = config.linux?.memoryPolicy;
  if (wanted === undefined) return nothing;
  const { mode, flags = [], nodes: list = "" } = wanted;
  const nodes = nodesIn(list);
  if (nodes === undefined) {
    return problems({
      pointer: "/linux/memoryPolicy/nodes",
      message: `found "${list}", wanted a list of nodes from 0 to ${NODE_MAX} such as 0-1,3`,
      spec: "config-linux.md#memory-policy",
    });
  }
  const text = [mode, ...flags].join("|") + (list === "" ? "" : ` ${list}`);
  const bits = flags.reduce((all, flag) => all | FLAGS[flag], MODES[mode]);
  const op = setMemoryPolicy({ text, mode: bits, nodes });
  return steps([step("init", op, "/linux/memoryPolicy")]);
}

/** Numbers in a list such as `0-3,7`; undefined when it is none. */
function nodesIn(list: string): number[] | undefined {
  if (list === "") return [];
  const nodes: number[] = [];
  for (const part of list.split(",")) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first > last || last > NODE_MAX) return undefined;
    for (let node = first; node <= last; node++) nodes.push(node);
  }
  return nodes;
}
