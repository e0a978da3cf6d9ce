// Rules between the fields of cgroup resources.

import type { Resources } from "./types.gen.ts";
import type { Violation } from "./violation.ts";
import { escapeKey } from "./walk.ts";

/** Violations in resources that fit their schema; `at` is the JSON pointer of the resources. */
export function resourcesRules(resources: Resources, at: string): Violation[] {
  const violations: Violation[] = [];
  resources.blockIO?.weightDevice?.forEach(({ weight, leafWeight }, index) => {
    if (weight !== undefined || leafWeight !== undefined) return;
    violations.push({
      rule: "weightDevice weight",
      pointer: `${at}/blockIO/weightDevice/${index}`,
      message: "found neither weight nor leafWeight, wanted at least one",
      spec: "config-linux.md#block-io",
    });
  });
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {})) {
    if (hcaHandles !== undefined || hcaObjects !== undefined) continue;
    violations.push({
      rule: "rdma limit",
      pointer: `${at}/rdma/${escapeKey(device)}`,
      message: "found neither hcaHandles nor hcaObjects, wanted at least one",
      spec: "config-linux.md#rdma",
    });
  }
  return violations;
}
