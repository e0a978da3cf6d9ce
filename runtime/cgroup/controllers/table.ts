// The controllers that linux.resources can be about, in the order in which they are set.

import { blkio } from "./blkio.ts";
import { cpu } from "./cpu.ts";
import { cpuset } from "./cpuset.ts";
import { devices } from "./devices.ts";
import { hugetlb } from "./hugetlb.ts";
import type { Controller } from "./limits.ts";
import { memory } from "./memory.ts";
import { netCls, netPrio } from "./network.ts";
import { pids } from "./pids.ts";
import { rdma } from "./rdma.ts";
import { unified } from "./unified.ts";

export const CONTROLLERS: readonly Controller[] = [
  cpuset,
  cpu,
  memory,
  pids,
  blkio,
  hugetlb,
  rdma,
  netCls,
  netPrio,
  devices,
  unified,
];

/** What a refused write to a file usually means, where we know. */
export function hintFor(file: string, errno: number): string | undefined {
  for (const { hints } of CONTROLLERS) {
    const hint = hints?.[file]?.[errno] ?? hints?.[controllerOf(file)]?.[errno];
    if (hint !== undefined) return hint;
  }
  return undefined;
}

/** What a file's name begins with. */
function controllerOf(file: string): string {
  return file.slice(0, file.indexOf("."));
}

/** Of a file with a line for each device or interface, what to write of one that is to have none. */
export function noneFor(file: string): string | undefined {
  for (const { perDevice } of CONTROLLERS) {
    const none = perDevice?.[file];
    if (none !== undefined) return none;
  }
  return undefined;
}
