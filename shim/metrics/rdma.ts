// Handles and objects of RDMA devices; v1 and v2 have the same files (cgroup-v1/rdma.rst).

import type { ControlFiles } from "../../runtime/cgroup/stats.ts";
import { devicesIn } from "./nested-keyed.ts";

interface RdmaEntry {
  device: string;
  hcaHandles: number;
  hcaObjects: number;
}

/** Of a field of 32 bits. */
const NO_LIMIT = 2 ** 32 - 1;

/** Undefined where there is no such controller. */
export function rdmaIn({
  read,
}: ControlFiles): { current: RdmaEntry[]; limit: RdmaEntry[] } | undefined {
  const current = entriesIn(read("rdma.current"));
  const limit = entriesIn(read("rdma.max"));
  return current.length + limit.length === 0 ? undefined : { current, limit };
}

function entriesIn(text: string): RdmaEntry[] {
  return devicesIn(text, NO_LIMIT).map(({ device, values }) => ({
    device,
    hcaHandles: Number(values["hca_handle"] ?? 0),
    hcaObjects: Number(values["hca_object"] ?? 0),
  }));
}
