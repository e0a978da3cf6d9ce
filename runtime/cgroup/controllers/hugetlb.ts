// The hugetlb controller: limits on huge pages, by their size (config-linux.md#huge-page-limits;
// cgroup-v1/hugetlb.rst).

import type { Resources } from "../../config/types.gen.ts";
import { ENOENT } from "../../errno.ts";
import { amount, type ControlFiles, flatKeyed, type Stats } from "../stats.ts";
import { type Controller, type Limits, NO_LIMITS, orMax, type Write } from "./limits.ts";

const POINTER = "/linux/resources/hugepageLimits";

export const hugetlb: Controller = {
  name: "hugetlb",
  v1: (resources) => limits(resources, "limit_in_bytes"),
  v2: (resources) => limits(resources, "max"),
  hints: { hugetlb: { [ENOENT]: "/sys/kernel/mm/hugepages has the sizes that this kernel knows" } },
  stats: {
    v1: (files) => stats(files, { usage: "usage_in_bytes", max: "max_usage_in_bytes" }),
    v2: (files) => stats(files, { usage: "current", max: "peak" }),
  },
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

/** Reserved pages where the kernel counts them, and otherwise those in use. */
function stats(
  { read, names }: ControlFiles,
  { usage, max }: { usage: string; max: string },
): Partial<Stats> {
  const all = names("hugetlb");
  const sizes = new Set(all.flatMap((name) => /^hugetlb\.([^.]+)\./.exec(name)?.[1] ?? []));
  const hugetlb: Stats["hugetlb"] = {};
  for (const size of sizes) {
    const isReserved = all.includes(`hugetlb.${size}.rsvd.${usage}`);
    const file = (ending: string) => `hugetlb.${size}${isReserved ? ".rsvd" : ""}.${ending}`;
    const failures = read(file("failcnt"));
    const { max: refused = 0 } = flatKeyed(read(`hugetlb.${size}.events`));
    hugetlb[size] = {
      usage: amount(read(file(usage))),
      max: amount(read(file(max))),
      failcnt: failures === "" ? refused : amount(failures),
    };
  }
  return { hugetlb };
}
