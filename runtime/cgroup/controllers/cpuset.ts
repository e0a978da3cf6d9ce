// The cpuset controller: which CPUs and memory nodes (config-linux.md#cpu; cgroup-v1/cpusets.rst).
// A new v1 cpuset has neither; ops/cgroup.ts fills them in from its parent.

import type { Resources } from "../../config/types.gen.ts";
import { type Controller, type Limits, NO_LIMITS, writesOf } from "./limits.ts";

const EACCES = 13;
const EINVAL = 22;
const ERANGE = 34;

const NOT_THERE = "a list such as 0-2,4 of what the parent cgroup has";

export const cpuset: Controller = {
  name: "cpuset",
  v1,
  // The files have the same names.
  v2: v1,
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
