// process.ioPriority (config.md#linux-process): I/O scheduling of the program and its children.

import type { Config, IOPriorityClass } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { setIoPriority } from "../ops/scheduling.ts";
import { type Step, step } from "../plan/step.ts";
import { onlyHostMay } from "./caller-may.ts";

/** linux/ioprio.h */
const CLASSES: Readonly<Record<IOPriorityClass, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};

export interface IoPriorityClause {
  byInit: readonly Step[];
  /** Where only the host may. */
  byHost: readonly Step[];
}

export function ioPriority(config: Config, facts: HostFacts): IoPriorityClause {
  const wanted = config.process?.ioPriority;
  if (wanted === undefined) return { byInit: [], byHost: [] };
  const { class: className, priority } = wanted;
  const isHosts = onlyHostMay(config, facts, "CAP_SYS_NICE");
  const op = setIoPriority({
    target: isHosts ? "init" : "self",
    className,
    class: CLASSES[className],
    priority,
  });
  const list = [step(isHosts ? "host" : "init", op, "/process/ioPriority")];
  return isHosts ? { byInit: [], byHost: list } : { byInit: list, byHost: [] };
}
