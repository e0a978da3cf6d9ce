// What is valid and not supported yet, from the tables that the program itself refuses by.

import { REFUSED_FIELDS } from "../../runtime/clauses/refused.ts";
import { features } from "../../runtime/lifecycle/features.ts";

/** Pointers of fields, and what `features` says is not there of cgroups. */
export function notYet(): string[] {
  const cgroups = Object.entries(features().linux.cgroup).flatMap(([name, isThere]) =>
    isThere ? [] : [`cgroup.${name}`],
  );
  return [...REFUSED_FIELDS, ...cgroups].toSorted();
}
