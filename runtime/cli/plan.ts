// runt plan

import { containerId } from "../lifecycle/container-id.ts";
import { planFor } from "../lifecycle/plan.ts";
import { planJson, printPlan } from "../plan/print.ts";
import { print } from "../print.ts";
import { absolutePath } from "./absolute-path.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Prints the steps of create, as a table or as JSON. Needs no privileges and changes nothing. */
export function planCommand(given: Arguments, surroundings: Surroundings): number {
  const { root, environment, systemdCgroup } = surroundings;
  const plan = planFor({
    root,
    id: containerId(given.positionals[0] ?? "container"),
    bundle: absolutePath(given.text("bundle") ?? "."),
    strict: given.on("strict"),
    noPivot: false,
    preserveFds: 0,
    systemdCgroup,
    environment,
  });
  print(given.on("json") ? JSON.stringify(planJson(plan), undefined, 2) : printPlan(plan));
  return 0;
}
