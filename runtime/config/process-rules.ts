// Rules between the fields of a process.

import type { Process, Rlimit, Scheduler, User } from "./types.gen.ts";
import { repeated, type Violation } from "./violation.ts";

/** Violations in a process that fits its schema; `at` is the JSON pointer of the process. */
export function processRules(process: Process, at: string): Violation[] {
  const { rlimits, scheduler, user } = process;
  return [
    ...(user === undefined ? [] : idRules(user, `${at}/user`)),
    ...(rlimits === undefined ? [] : rlimitRules(rlimits, `${at}/rlimits`)),
    ...(scheduler === undefined ? [] : schedulerRules(scheduler, `${at}/scheduler`)),
  ];
}

/** setresuid(2) takes the last number for "leave it as it is", which is root. */
function idRules({ uid, gid, additionalGids = [] }: User, at: string): Violation[] {
  const NO_ID = 4_294_967_295;
  const ids: [string, number][] = [
    ["uid", uid],
    ["gid", gid],
    ...additionalGids.map((id, index): [string, number] => [`additionalGids/${index}`, id]),
  ];
  return ids
    .filter(([, id]) => id === NO_ID)
    .map(([field]) => ({
      rule: "user no id",
      pointer: `${at}/${field}`,
      message: `found ${NO_ID}, which means no id, wanted one up to ${NO_ID - 1}`,
      spec: "config.md#posix-platform-user",
    }));
}

function rlimitRules(rlimits: readonly Rlimit[], at: string): Violation[] {
  const spec = "config.md#posix-process";
  const violations = repeated(
    rlimits,
    (rlimit) => rlimit.type,
    ({ key, index, first }) => ({
      rule: "rlimit once",
      pointer: `${at}/${index}/type`,
      message: `found ${key} again, wanted each type once (first at ${at}/${first})`,
      spec,
    }),
  );
  rlimits.forEach(({ soft, hard }, index) => {
    if (soft <= hard) return;
    violations.push({
      rule: "rlimit soft",
      pointer: `${at}/${index}/soft`,
      message: `found ${soft}, wanted at most the hard limit, ${hard}`,
      spec,
    });
  });
  return violations;
}

const NICE_POLICIES: readonly string[] = ["SCHED_OTHER", "SCHED_BATCH"];
const PRIORITY_POLICIES: readonly string[] = ["SCHED_FIFO", "SCHED_RR"];

function schedulerRules(scheduler: Scheduler, at: string): Violation[] {
  const spec = "config.md#linux-process";
  const { policy, nice = 0, priority = 0 } = scheduler;
  const violations: Violation[] = [];
  if (NICE_POLICIES.includes(policy) && (nice < -20 || nice > 19)) {
    const message = `found ${nice}, wanted a nice value from -20 to 19`;
    violations.push({ rule: "scheduler nice", pointer: `${at}/nice`, message, spec });
  }
  if (!PRIORITY_POLICIES.includes(policy) && priority !== 0) {
    const message = `found ${priority} with ${policy}, wanted it only with SCHED_FIFO or SCHED_RR`;
    violations.push({ rule: "scheduler priority", pointer: `${at}/priority`, message, spec });
  }
  if (policy === "SCHED_DEADLINE") return violations;
  for (const field of ["runtime", "deadline", "period"] as const) {
    const value = scheduler[field] ?? 0;
    if (BigInt(value) === 0n) continue;
    const message = `found ${value} with ${policy}, wanted it only with SCHED_DEADLINE`;
    violations.push({ rule: "scheduler deadline", pointer: `${at}/${field}`, message, spec });
  }
  return violations;
}
