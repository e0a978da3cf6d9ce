// What the machine is, for one container. It is asked when that is made, and not again for what is
// made in it: the hierarchies that its cgroups are in are mounted by then.

import type { HostFacts } from "../../runtime/host/facts.ts";
import { probeHost } from "../../runtime/host/probe.ts";
import type { Task } from "./task.ts";

const known = new WeakMap<Task, HostFacts>();

/** What was true of the machine when it was first asked for this container. */
export function hostFacts(task: Task): HostFacts {
  const facts = known.get(task) ?? probeHost();
  known.set(task, facts);
  return facts;
}
