// The order of create: the only page that knows it. Each line says why it stands where it does.

import { cgroup } from "../clauses/cgroup.ts";
import { cgroupOwner } from "../clauses/cgroup-owner.ts";
import type { Container } from "../clauses/container.ts";
import { cpuAffinity } from "../clauses/cpu-affinity.ts";
import { devices } from "../clauses/devices.ts";
import { hooks } from "../clauses/hooks.ts";
import { hostname } from "../clauses/hostname.ts";
import { identity } from "../clauses/identity.ts";
import { intelRdt } from "../clauses/intel-rdt.ts";
import { ioPriority } from "../clauses/io-priority.ts";
import { masks } from "../clauses/masks.ts";
import { memoryPolicy } from "../clauses/memory-policy.ts";
import { mounts } from "../clauses/mounts.ts";
import { hasJoiner, hasNewNamespace, namespaces } from "../clauses/namespaces.ts";
import { netDevices } from "../clauses/net-devices.ts";
import { notifySocket } from "../clauses/notify-socket.ts";
import { personality } from "../clauses/personality.ts";
import { processClause } from "../clauses/process.ts";
import { rlimits } from "../clauses/rlimits.ts";
import { root } from "../clauses/root.ts";
import { scheduler } from "../clauses/scheduler.ts";
import { securityLabels } from "../clauses/security-labels.ts";
import { sysctl } from "../clauses/sysctl.ts";
import { terminal } from "../clauses/terminal.ts";
import { treeOpener } from "../clauses/tree-opener.ts";
import type { Config } from "../config/types.gen.ts";
import { ConfigError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { awaitStart, listenForStart, writeRecord } from "../ops/start.ts";
import { assemble } from "./assemble.ts";
import { type Plan, type Step, step, waits } from "./step.ts";

/**
 * Compiles config.json into the steps of create. Pure: the same input gives the same plan.
 *
 * @throws ConfigError with everything in the configuration that cannot be done, all at once
 */
export function createPlan(config: Config, facts: HostFacts, container: Container): Plan {
  const { directory } = container;
  const group = cgroup(config, facts, container);
  const owner = cgroupOwner(config, facts, container);
  const spaces = namespaces(config, { facts, container, birthplace: group.birthplace });
  const rootfs = root(config, container);
  const trees = mounts(config, facts, container);
  const nodes = devices(config, facts);
  const opener = treeOpener(facts);
  const classes = intelRdt(config, facts, container);
  const interfaces = netDevices(config, facts, container);
  const names = hostname(config, container);
  const covers = masks(config);
  const parameters = sysctl(config, container);
  const console = terminal(config, container);
  const who = identity(config, facts);
  const program = processClause(config, facts, container);
  const limits = rlimits(config, facts, container);
  const labels = securityLabels(config, facts);
  const persona = personality(config);
  const memory = memoryPolicy(config);
  const disk = ioPriority(config, facts);
  const processor = scheduler(config, facts);
  const callouts = hooks(config, container);
  const ready = notifySocket(config, facts, container);
  const opened = [...trees.open, ...nodes.open, ...ready.open];

  const problems = [
    ...[
      group,
      spaces,
      rootfs,
      trees,
      nodes,
      classes,
      interfaces,
      names,
      covers,
      parameters,
      console,
      program,
      labels,
      persona,
      memory,
      processor,
      cpuAffinity(config), // For `exec`; what is wrong with it is said now.
      callouts,
    ].flatMap((clause) => clause.problems),
  ];
  if (problems.length > 0) throw new ConfigError(`${container.bundle}/config.json`, problems);

  // Nodes of memory are those of the cpuset, which on v2 is joined with all else.
  const isLate = group.joinMemory.length > 0;
  const afterJoin = [
    ...(isLate ? memory.steps : []),
    // A cgroup namespace shows the cgroup that its maker is in, so its mounts wait for the last join.
    ...(hasNewNamespace(config, "cgroup") ? [...spaces.unshareCgroup, ...trees.afterCgroup] : []),
  ];
  const insideCgroup = afterJoin.length > 0 ? [waits("init"), ...afterJoin] : [];

  return assemble([
    program.hide, // First: what is cloned is born so.
    who.warnings,
    labels.warnings,
    console.connect, // A wrong socket, namespace or source fails before anything is made.
    program.listener,
    who.give, // Init is not let near what belongs to none of its ids.
    spaces.open,
    group.create, // On the host, with its limits, before there is anyone to limit:
    group.limits, // between "deny all" and what is allowed again nobody can make a device.
    classes.make, // The same in resctrl.
    ready.make,
    group.open, // Init enters by descriptor, from wherever it stands by then.
    opener === "host" ? opened : [], // What init could not open later.
    host(listenForStart({ directory })), // Init inherits the socket.
    rootfs.enter, // Init is born in it: its ids may not be let through the folders above.
    spaces.fork,
    hasJoiner(config) ? program.ownScore : [], // While its files in /proc are its own.
    spaces.clone,
    rootfs.leave,
    host(writeRecord({ phase: "identified" })), // From here on `delete` finds init, come what may.
    spaces.map, // By someone outside, who has the right to these ids.
    interfaces.steps, // Out of the host's namespace, into the one that is there now.
    group.join, // Where init cannot do it by itself.
    classes.join, // By the host, who sees resctrl.
    program.score,

    // Both would pass the baton on one socket; the host takes the joiner's first.
    hasJoiner(config) ? [waits("init")] : [],
    hasJoiner(config) ? [] : program.ownScore, // The same of init.
    spaces.mapped,
    opener === "init" ? opened : [], // Still with the ids that may see them.
    trees.openInside, // With the host's rights, from the mounts that init has: locked where it must be.
    rootfs.forget,
    spaces.become, // Whoever has no id can own nothing of what follows.
    program.protect, // Nobody inside may trace or outlive what follows.
    program.session,
    group.enter, // All but the hierarchy that counts memory.
    spaces.prepare,
    names.steps,
    rootfs.bind, // Propagation first: no mount of ours may reach the host.
    trees.mount,
    ready.mount, // Into a /run that the mounts may have made.
    nodes.make, // In the /dev that the mounts have made.
    program.directory, // While the root can still be written.
    console.open, // When /dev/pts is there.

    waits("host"),
    console.send,
    callouts.runtime, // With the mounts visible, before the pivot (config.md#prestart).
    // They and parameters of init's may be about devices that the host moves.
    callouts.runtime.length + interfaces.steps.length > 0 ? [waits("init")] : [],
    callouts.createContainer, // After the runtime's, before the pivot.
    covers.steps, // After hooks have had their say; /dev/null is still the host's.
    trees.close,
    trees.afterCgroup.length > 0 ? [] : rootfs.close, // Last of what touches the root.
    rootfs.pivot,
    parameters.steps, // Through a procfs of the container's pid namespace.
    who.prepare,
    program.prepare, // In the container's root: a missing program fails create, not start.
    labels.steps, // Before the host leaves: a profile that is not loaded fails create.
    persona.steps,
    isLate ? [] : memory.steps, // In the container's cpuset, which says what nodes there are.
    disk.byInit,
    group.enterMemory, // Last: what init has copied would be charged to a small limit.
    processor.byInit, // In the container's cgroup, which says whether it may be realtime.
    program.release, // Before the host may leave: its end would be init's.

    waits("host"),
    group.joinMemory, // The same where the host has to do it.
    owner, // When nothing is written there any more but by the container.
    insideCgroup,
    limits.raise, // What init may not do for itself in a user namespace.
    disk.byHost,
    processor.byHost,
    trees.afterCgroup.length > 0 ? rootfs.close : [],
    insideCgroup.length > 0 ? [waits("host")] : [],
    host(writeRecord({ phase: "created" })), // Only now: nothing can fail any more.
    waits("init"),
    init(awaitStart({})), // create returns here.

    callouts.startContainer, // In the container, before the program, with init's privileges.
    processor.afterHooks, // Where it forbids to fork.
    limits.set, // Late: a small limit would hurt us, and raising one takes privileges.
    who.change, // From here on only the program's own rights, and nothing that needs memory.
    program.execute,
  ]);
}

function host(op: Step["op"]): Step[] {
  return [step("host", op, "")];
}

function init(op: Step["op"]): Step[] {
  return [step("init", op, "")];
}
