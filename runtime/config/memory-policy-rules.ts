// Rules between the fields of a NUMA memory policy.

import type { MemoryPolicy, MemoryPolicyMode } from "./types.gen.ts";
import type { Violation } from "./violation.ts";

// set_mempolicy(2); MPOL_PREFERRED is local without nodes.
const WITHOUT_NODES: readonly MemoryPolicyMode[] = ["MPOL_DEFAULT", "MPOL_LOCAL"];
const WITH_NODES: readonly MemoryPolicyMode[] = [
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_WEIGHTED_INTERLEAVE",
  "MPOL_PREFERRED_MANY",
];

/** Violations in a policy that fits its schema; `at` is the JSON pointer of the policy. */
export function memoryPolicyRules(policy: MemoryPolicy, at: string): Violation[] {
  const spec = "config-linux.md#memory-policy";
  const { mode, nodes = "", flags = [] } = policy;
  const violations: Violation[] = [];
  if (WITHOUT_NODES.includes(mode) && nodes !== "") {
    const message = `found nodes with ${mode}, wanted none`;
    violations.push({ rule: "memory nodes", pointer: `${at}/nodes`, message, spec });
  }
  if (WITH_NODES.includes(mode) && nodes === "") {
    const message = `found no nodes with ${mode}, wanted at least one`;
    violations.push({ rule: "memory nodes", pointer: at, message, spec });
  }
  if (flags.includes("MPOL_F_STATIC_NODES") && flags.includes("MPOL_F_RELATIVE_NODES")) {
    const message = "found both MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES, wanted one at most";
    violations.push({ rule: "memory flags", pointer: `${at}/flags`, message, spec });
  }
  return violations;
}
