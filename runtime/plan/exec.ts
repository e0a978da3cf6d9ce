// The order of exec: the only page that knows it. What a field of `process` means is in the clauses,
// which `create` has as well.

import type { ProcessContainer } from "../clauses/container.ts";
import { cpuAffinity } from "../clauses/cpu-affinity.ts";
import { identity } from "../clauses/identity.ts";
import { ioPriority } from "../clauses/io-priority.ts";
import { type Joined, join } from "../clauses/join.ts";
import { memoryPolicy } from "../clauses/memory-policy.ts";
import { personality } from "../clauses/personality.ts";
import { processClause } from "../clauses/process.ts";
import { rlimits } from "../clauses/rlimits.ts";
import { scheduler, schedulerAfterFork } from "../clauses/scheduler.ts";
import { securityLabels } from "../clauses/security-labels.ts";
import { terminal } from "../clauses/terminal.ts";
import type { Config, Process } from "../config/types.gen.ts";
import { ConfigError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { adoptProgram, awaitProgram, letProgramGo } from "../ops/join.ts";
import { assemble } from "./assemble.ts";
import { type Plan, step, waits } from "./step.ts";

/** What is executed where. */
export interface Execution {
  process: Process;
  /** What errors call the process. */
  file: string;
  joined: Joined;
}

/**
 * Compiles the steps of exec. Pure.
 *
 * @param config what the container was created from
 * @throws ConfigError with everything in the process that cannot be done, all at once
 */
export function execPlan(
  config: Config,
  { process, file, joined }: Execution,
  { facts, container }: { facts: HostFacts; container: ProcessContainer },
): Plan {
  const inside = insideOf(config, process);
  const way = join(inside, facts, joined);
  const console = terminal(inside, container);
  const who = identity(inside, facts);
  const program = processClause(inside, facts, container);
  const limits = rlimits(inside, facts, container);
  const labels = securityLabels(inside, facts);
  const persona = personality(inside);
  const memory = memoryPolicy(inside);
  const disk = ioPriority(inside, facts);
  const processor = scheduler(inside, facts);
  const cpus = cpuAffinity(inside);
  const problems = [
    ...[console, program, labels, persona, memory, processor, cpus].flatMap(
      (clause) => clause.problems,
    ),
  ];
  if (problems.length > 0) throw new ConfigError(file, problems);

  const late = schedulerAfterFork(inside);
  const isLate = late.length > 0;
  const atOnce = [...way.cgroup.join, ...program.score];
  const byHost = [
    ...way.cgroup.joinMemory, // As late, where the host has to do it.
    ...limits.raise, // What a process may not do for itself in a user namespace.
    ...disk.byHost,
    ...(isLate ? [] : processor.byHost),
  ];

  return assemble([
    program.hide, // First: what is cloned is born so.
    who.warnings,
    console.connect, // A wrong socket fails before anything is done.
    program.listener,
    who.give, // Init is not let near what belongs to none of its ids.
    way.hold,
    cpus.initial, // Before the container's cgroup is entered, which on v2 is by birth.
    way.cgroup.open,
    way.clone,
    atOnce,

    program.ownScore, // While its files in /proc are its own.
    way.begin, // Nothing of the host's goes along.
    program.protect, // Nobody inside may trace what follows, nor outlive it.
    way.cgroup.enter, // All but the hierarchy that counts memory.
    way.enter,
    program.session,
    console.open,

    console.send.length > 0 ? [waits("host")] : [],
    console.send,
    who.prepare,
    program.prepare,
    labels.steps,
    persona.steps,
    memory.steps, // In the container's cpuset, which says what nodes there are.
    disk.byInit,
    way.cgroup.enterMemory, // Last: what has been copied would be charged to a small limit.
    isLate ? [] : processor.byInit, // In the container's cgroup, which says whether it may be realtime.

    byHost.length > 0 ? [waits("host")] : [],
    byHost,
    // Everything that the host does to it, before it makes another process of itself.
    atOnce.length + console.send.length + byHost.length > 0 ? [waits("init")] : [],
    cpus.final, // After it; the kernel has reset what was, where the cgroup has CPUs of its own.
    program.release, // From here on the end of the host is not that of the program.
    limits.set, // Late: a small limit would hurt us, and raising one takes privileges.
    who.change, // From here on only the program's own rights, before anyone inside sees it.
    program.execute, // By a clone of it, the only one in the container's pid namespace.

    isLate ? [step("host", adoptProgram({}), ""), ...late, step("host", letProgramGo({}), "")] : [],
    [step("host", awaitProgram({ name: process.args[0] ?? "" }), "/process/args")],
  ]);
}

/** The container's configuration with another process; there is nothing left to make or to call. */
function insideOf({ hooks: _hooks, linux, ...config }: Config, process: Process): Config {
  const namespaces = (linux?.namespaces ?? []).map(({ type }) => ({ type }));
  // A time namespace with offsets takes one more process, where it is made.
  const entered = namespaces.filter(({ type }) => type !== "time");
  return { ...config, process, linux: { ...linux, namespaces: entered } };
}
