// The hugetlb controller: limits on huge pages, by their size (config-linux.md#huge-page-limits;
// cgroup-v1/hugetlb.rst).

import type { Resources } from "../../config/types.gen.ts";
import { type Controller, type Limits, NO_LIMITS, orMax, type Write } from "./limits.ts";

const POINTER = "/linux/resources/hugepageLimits";

export const hugetlb: Controller = {
  name: "hugetlb",
  v1: (resources) => limits(resources, "limit_in_bytes"),
  v2: (resources) => limits(resources, "max"),
};

/** Pages in use and pages reserved, which kernels before 5.7 do not count. */
function limits({ hugepageLimits = [] }: Resources, ending: string): Limits {
  if (hugepageLimits.length === 0) return NO_LIMITS;
  const writes = hugepageLimits.flatMap(({ pageSize, limit }, index): Write[] => {
    const value = `${ending === "max" ? orMax(limit) : limit}`;
    const pointer = `${POINTER}/${index}`;
    const write = { controller: "hugetlb", value, pointer };
    return [
      { ...write, file: `hugetlb.${pageSize}.${ending}` },
      { ...write, file: `hugetlb.${pageSize}.rsvd.${ending}`, otherwise: null },
    ];
  });
  return { writes, problems: [], warnings: [] };
}
