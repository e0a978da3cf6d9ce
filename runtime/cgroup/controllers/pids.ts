// The pids controller: how many tasks (config-linux.md#pids; cgroup-v1/pids.rst).

import type { Resources } from "../../config/types.gen.ts";
import { amount, type ControlFiles, type Stats } from "../stats.ts";
import {
  type Controller,
  type Limits,
  NO_LIMITS,
  numberProperties,
  orMax,
  type Property,
  writesOf,
} from "./limits.ts";

export const pids: Controller = {
  name: "pids",
  v1,
  v2: v1,
  systemd,
  // The files have the same names.
  stats: { v1: stats, v2: stats },
};

function v1({ pids }: Resources): Limits {
  if (pids === undefined) return NO_LIMITS;
  // 0 is a limit like any other: what joins the cgroup may run, and nothing may fork.
  const writes = writesOf("pids", "/linux/resources/pids", [
    ["pids.max", orMax(pids.limit), "limit"],
  ]);
  return { writes, problems: [], warnings: [] };
}

function stats({ read }: ControlFiles): Partial<Stats> {
  return { pids: { current: amount(read("pids.current")), limit: amount(read("pids.max"), 0) } };
}

/** systemd has no limit below 1; the file, which is written as well, has. */
function systemd({ pids }: Resources): Property[] {
  const limit = pids?.limit;
  return numberProperties([["TasksMax", limit === 0 || limit === 0n ? 1 : limit]]);
}
