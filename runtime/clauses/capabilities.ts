// process.capabilities (config.md#linux-process): names to numbers, and what cannot be granted.

import type { Capabilities, Config } from "../config/types.gen.ts";
import { CAPABILITIES } from "../host/capabilities.ts";
import type { HostFacts } from "../host/facts.ts";
import { warn } from "../ops/warn.ts";
import { type Step, step } from "../plan/step.ts";
import { hasNamespace } from "./namespaces.ts";

const SETS = ["bounding", "effective", "permitted", "inheritable", "ambient"] as const;

export interface CapabilitiesClause {
  sets: Record<(typeof SETS)[number], number[]>;
  /** One warning that names everything unknown or out of the caller's own reach. */
  warnings: readonly Step[];
}

/** What the container's root can have: everything in a user namespace, else what the caller has. */
export function grantable(config: Config, facts: HostFacts): readonly string[] {
  return hasNamespace(config, "user") ? CAPABILITIES : facts.capabilities;
}

/**
 * The sets as numbers. A capability that is unknown or cannot be granted is left out with a warning,
 * as the specification wants; without the field a process gets none.
 */
export function capabilities(config: Config, facts: HostFacts): CapabilitiesClause {
  const asked: Capabilities = config.process?.capabilities ?? {};
  const granted = new Set(grantable(config, facts));
  const names = [...new Set(SETS.flatMap((set) => asked[set] ?? []))];
  const missing = names.filter((name) => !granted.has(name));
  const numbersOf = (list: readonly string[] = []): number[] =>
    list.filter((name) => granted.has(name)).map((name) => CAPABILITIES.indexOf(name));
  const sets = {
    bounding: numbersOf(asked.bounding),
    effective: numbersOf(asked.effective),
    permitted: numbersOf(asked.permitted),
    inheritable: numbersOf(asked.inheritable),
    ambient: numbersOf(asked.ambient),
  };
  const text = `capabilities that are unknown or cannot be granted are left out: ${missing.join(", ")}`;
  const warnings = [step("host", warn({ text }), "/process/capabilities")];
  return { sets, warnings: missing.length === 0 ? [] : warnings };
}
