// process.scheduler (config.md#linux-process): CPU scheduling of the program.

import type {
  Config,
  Process,
  Scheduler,
  SchedulerFlag,
  SchedulerPolicy,
} from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { setScheduling } from "../ops/scheduling.ts";
import { type Step, step } from "../plan/step.ts";
import { onlyHostMay } from "./caller-may.ts";

/** linux/sched.h */
const POLICIES: Readonly<Record<SchedulerPolicy, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

/** linux/sched.h */
const FLAGS: Readonly<Record<SchedulerFlag, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

const POINTER = "/process/scheduler";
const RESET_ON_FORK = "SCHED_FLAG_RESET_ON_FORK";

export interface SchedulerClause {
  /** Where init may do it: last of what fails `create`. */
  byInit: readonly Step[];
  /** Where only the host may. */
  byHost: readonly Step[];
  /** Where init still has to fork. */
  afterHooks: readonly Step[];
  problems: readonly Problem[];
}

/** By the host, while the process waits that an exec has cloned. */
export function schedulerAfterFork(config: Config): Step[] {
  const { process } = config;
  if (process?.scheduler === undefined || !isSetAfterFork(process)) return [];
  return [step("host", opFrom(process.scheduler, true), POINTER)];
}

export function scheduler(config: Config, facts: HostFacts): SchedulerClause {
  const wanted = config.process?.scheduler;
  const nothing = { byInit: [], byHost: [], afterHooks: [], problems: [] };
  if (wanted === undefined) return nothing;
  const isHosts = onlyHostMay(config, facts, "CAP_SYS_NICE");
  const list = [step(isHosts ? "host" : "init", opFrom(wanted, isHosts), POINTER)];
  const mayFork = canFork(wanted) || (config.hooks?.startContainer ?? []).length === 0;
  const problems = problemsOf(wanted);
  if (!isHosts) return { ...nothing, [mayFork ? "byInit" : "afterHooks"]: list, problems };
  const message =
    "SCHED_DEADLINE forbids init to fork, and in a user namespace it cannot be set after startContainer hooks";
  const hint = "add SCHED_FLAG_RESET_ON_FORK to its flags";
  return {
    ...nothing,
    byHost: list,
    problems: mayFork ? problems : [...problems, { pointer: POINTER, message, hint }],
  };
}

function opFrom(scheduler: Scheduler, isHosts: boolean): Step["op"] {
  const { policy, nice = 0, priority = 0, flags = [] } = scheduler;
  const { runtime = 0, deadline = 0, period = 0 } = scheduler;
  return setScheduling({
    target: isHosts ? "init" : "self",
    policy,
    number: POLICIES[policy],
    nice,
    priority,
    flags: flags.reduce((all, flag) => all | FLAGS[flag], 0),
    runtime: String(runtime),
    deadline: String(deadline),
    period: String(period),
  });
}

/** Whether only the last process of all can have it, which is cloned with everything else done. */
export function isSetAfterFork({ scheduler: wanted }: Process): boolean {
  if (wanted === undefined) return false;
  return wanted.policy === "SCHED_DEADLINE" || wanted.flags?.includes(RESET_ON_FORK) === true;
}

/** sched(7): a process under SCHED_DEADLINE forks only if its children are not. */
function canFork({ policy, flags = [] }: Scheduler): boolean {
  return policy !== "SCHED_DEADLINE" || flags.includes(RESET_ON_FORK);
}

/** What the kernel would call an invalid argument without saying which. */
function problemsOf(scheduler: Scheduler): Problem[] {
  const { policy, priority = 0 } = scheduler;
  const wrong = (field: string, message: string): Problem[] => [
    { pointer: `${POINTER}/${field}`, message, spec: "config.md#linux-process" },
  ];
  if (policy === "SCHED_FIFO" || policy === "SCHED_RR") {
    if (priority >= 1 && priority <= 99) return [];
    return wrong("priority", `found ${priority}, wanted a priority from 1 to 99 with ${policy}`);
  }
  if (policy !== "SCHED_DEADLINE") return [];
  const RUNTIME_MIN = 1024;
  const { runtime = 0, deadline = 0, period = 0 } = scheduler;
  if (runtime < RUNTIME_MIN) {
    return wrong("runtime", `found ${runtime}, wanted at least ${RUNTIME_MIN} nanoseconds`);
  }
  if (deadline < runtime) {
    return wrong("deadline", `found ${deadline}, wanted at least the runtime, ${runtime}`);
  }
  if (period === 0 || period >= deadline) return [];
  return wrong("period", `found ${period}, wanted at least the deadline, ${deadline}, or 0`);
}
