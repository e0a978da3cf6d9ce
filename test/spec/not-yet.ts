// What `features` says is not supported yet.

import { features } from "../../runtime/lifecycle/features.ts";

/** What is not there of cgroups. */
export function notYet(): string[] {
  return Object.entries(features().linux.cgroup).flatMap(([name, isThere]) =>
    isThere ? [] : [`cgroup.${name}`],
  );
}
