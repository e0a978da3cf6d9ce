// The order of update: the only page that knows it.

import { type Change, type Updated, update } from "../clauses/update.ts";
import { ConfigError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { assemble } from "./assemble.ts";
import type { Plan } from "./step.ts";

/**
 * Compiles a change of resources into steps of the host alone. Pure.
 *
 * @param file what errors call the change
 * @throws ConfigError with everything in it that cannot be done, all at once
 */
export function updatePlan(
  change: Change,
  container: Updated,
  { facts, file }: { facts: HostFacts; file: string },
): Plan {
  const { check, unit, limits, devices, schemata, keep, problems } = update(
    change,
    container,
    facts,
  );
  if (problems.length > 0) throw new ConfigError(file, problems);
  return assemble([
    // Nothing has been done yet that would have to be taken back.
    check,
    unit, // Writes files of its own, by what it knows: ours come after.
    limits,
    schemata,
    // After what fails more often.
    devices,
    // The last: what is in force is written down when it is.
    keep,
  ]);
}
