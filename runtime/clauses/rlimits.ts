// process.rlimits (config.md#posix-process): limits of the program.

import type { Config, Process, RlimitType } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { raiseLimit, setLimit } from "../ops/process.ts";
import { type Step, step } from "../plan/step.ts";
import { onlyHostMay } from "./caller-may.ts";
import { type ProcessContainer, pointerTo } from "./container.ts";

/** asm-generic/resource.h */
const RESOURCES: Readonly<Record<RlimitType, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

const TASKS = "RLIMIT_NPROC";

/** The limit of tasks, for the last process of an exec: its maker would be counted as well. */
export function tasksOf({ rlimits: all = [] }: Process): { soft: string; hard: string } | null {
  const tasks = all.find(({ type }) => type === TASKS);
  return tasks === undefined ? null : { soft: String(tasks.soft), hard: String(tasks.hard) };
}

export interface RlimitsClause {
  /** By the host: hard limits that init may not raise. */
  raise: readonly Step[];
  /** By init: all of them, and the caller's limit of open files, which the engine has raised. */
  set: readonly Step[];
}

export function rlimits(
  config: Config,
  facts: HostFacts,
  container: ProcessContainer,
): RlimitsClause {
  const wanted = (config.process?.rlimits ?? []).map(({ type, soft, hard }, index) => ({
    limit: { type, resource: RESOURCES[type], soft: String(soft), hard: String(hard) },
    pointer: pointerTo("/process/rlimits", index),
  }));
  const isHosts = onlyHostMay(config, facts, "CAP_SYS_RESOURCE");
  /** Set on the last process alone ({@link tasksOf}), which may not raise it. */
  const isLast = ({ limit }: (typeof wanted)[number]): boolean =>
    container.joins === true && limit.type === TASKS;
  const raise = wanted
    .filter((one) => isHosts || isLast(one))
    .map(({ limit: { type, resource, hard }, pointer }) =>
      step("host", raiseLimit({ type, resource, hard }), pointer),
    );
  const set = wanted
    .filter((one) => !isLast(one))
    .map(({ limit, pointer }) => step("init", setLimit(limit), pointer));
  const { openFiles } = container;
  const isNamed = wanted.some(({ limit }) => limit.type === "RLIMIT_NOFILE");
  if (isNamed || openFiles === null || config.process === undefined) return { raise, set };
  const restored = setLimit({ type: "RLIMIT_NOFILE", resource: 7, ...openFiles });
  return { raise, set: [...set, step("init", restored, "")] };
}
