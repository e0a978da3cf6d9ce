// The rdma controller: handles and objects of RDMA devices (config-linux.md#rdma; cgroup-v1/rdma.rst).

import type { Resources } from "../../config/types.gen.ts";
import { ENODEV } from "../../errno.ts";
import { type Controller, type Limits, NO_LIMITS } from "./limits.ts";

export const rdma: Controller = {
  name: "rdma",
  v1,
  // The file has the same name and form.
  v2: v1,
  hints: { "rdma.max": { [ENODEV]: "there is no such RDMA device on the host" } },
  perDevice: { "rdma.max": "hca_handle=max hca_object=max" },
};

function v1({ rdma = {} }: Resources): Limits {
  const entries = Object.entries(rdma);
  if (entries.length === 0) return NO_LIMITS;
  const writes = entries.map(([device, { hcaHandles, hcaObjects }]) => {
    const handles = hcaHandles === undefined ? "" : ` hca_handle=${hcaHandles}`;
    const objects = hcaObjects === undefined ? "" : ` hca_object=${hcaObjects}`;
    const pointer = `/linux/resources/rdma/${device.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    return {
      controller: "rdma",
      file: "rdma.max",
      value: `${device}${handles}${objects}`,
      pointer,
    };
  });
  return { writes, problems: [], warnings: [] };
}
