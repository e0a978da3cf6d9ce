// What is valid and not supported yet, from the tables that the program itself refuses by.

import { REFUSED_RESOURCES } from "../../runtime/clauses/cgroup.ts";
import { REFUSED_FIELDS } from "../../runtime/clauses/refused.ts";

/** Pointers of fields. */
export function notYet(): string[] {
  const resources = REFUSED_RESOURCES.map((key) => `/linux/resources/${key}`);
  return [...REFUSED_FIELDS, ...resources].toSorted();
}
