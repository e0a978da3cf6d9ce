// The plan that create would follow.

import { missingDirectories } from "../cgroup/manager.ts";
import { containerCgroups } from "../cgroup/paths.ts";
import type { SystemdManager } from "../cgroup/systemd/unit.ts";
import type { Container } from "../clauses/container.ts";
import { rdtDirectories } from "../clauses/intel-rdt.ts";
import type { Config } from "../config/types.gen.ts";
import { callerEnvironment, callerLimits } from "../engine/caller.ts";
import type { HostFacts } from "../host/facts.ts";
import { probeHost } from "../host/probe.ts";
import { createPlan } from "../plan/create.ts";
import type { Plan } from "../plan/step.ts";
import { directoryOf, type Place } from "../store/directory.ts";
import { AT_FDCWD } from "../sys/file.ts";
import { statusAt } from "../sys/status.ts";
import { type Bundle, loadBundle } from "./bundle.ts";
import { isOwnNamespace } from "./own-namespace.ts";
import { requireOpen } from "./require-open.ts";

export interface PlanOptions extends Place {
  /** Absolute path. */
  bundle: string;
  strict: boolean;
  noPivot: boolean;
  /** Whether systemd makes the cgroup. */
  systemdCgroup: boolean;
  preserveFds: number;
  /** What --rootless says; absent for auto. */
  rootless?: boolean;
  noNewKeyring?: boolean;
  /** What becomes of a terminal; `create` would ask for a socket. */
  console?: Container["console"];
  environment: Readonly<Record<string, string | undefined>>;
  /** What the machine is, if that is known. */
  facts?: HostFacts;
}

/** Everything that create needs to know, with nothing done yet. */
export interface Prepared {
  bundle: Bundle;
  container: Container;
  facts: HostFacts;
  plan: Plan;
}

/** Compiles the plan for a bundle on this machine. */
export function prepare(options: PlanOptions): Prepared {
  const bundle = loadBundle(options.bundle, options);
  const facts = options.facts ?? probeHost();
  const listenFds = listenFdsIn(options.environment);
  const preserveFds = listenFds + options.preserveFds;
  requireOpen(preserveFds);
  const { openFiles } = callerLimits(options.environment);
  const systemd = systemdManager(options, facts);
  const cgroups = containerCgroups(facts.cgroup, bundle.config.linux?.cgroupsPath, {
    id: options.id,
    systemd,
  });
  const container: Container = {
    id: options.id,
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    directory: directoryOf(options),
    rootless: options.rootless ?? (facts.uid !== 0 || facts.userNamespace),
    systemd,
    missingCgroups: cgroups.flatMap(({ directory }) => missingDirectories(directory)),
    missingClasses: missingClasses(bundle.config, facts, options.id),
    callerNamespaces: callerNamespaces(bundle.config),
    console: options.console ?? { kind: "none" },
    preserveFds,
    listenFds,
    listenFdNames: options.environment["LISTEN_FDNAMES"] || null,
    notifySocket: options.environment["NOTIFY_SOCKET"] || null,
    sessionKeyring: options.noNewKeyring !== true,
    pivot: !options.noPivot,
    idMappers: idMappers(bundle.config, options.environment),
    environment: callerEnvironment(options.environment),
    openFiles:
      openFiles === undefined ? null : { soft: `${openFiles.soft}`, hard: `${openFiles.hard}` },
  };
  return { bundle, container, facts, plan: createPlan(bundle.config, facts, container) };
}

/** The plan alone, for people to read. */
export function planFor(options: PlanOptions): Plan {
  return prepare({ console: { kind: "foreground" }, ...options }).plan;
}

/** The manager that is asked for; loaded for those who use it. */
function systemdManager(
  { systemdCgroup, environment }: PlanOptions,
  facts: HostFacts,
): SystemdManager | null {
  if (!systemdCgroup) return null;
  const {
    findManager,
    managerAddress,
  }: typeof import("../cgroup/systemd/manager.ts") = require("../cgroup/systemd/manager.ts");
  const user = facts.uid !== 0 || facts.userNamespace;
  return findManager(managerAddress(environment, { user }), { user });
}

function missingClasses({ linux }: Config, facts: HostFacts, id: string): string[] {
  if (linux?.intelRdt === undefined || facts.resctrl === null) return [];
  const directories = rdtDirectories(linux.intelRdt, facts.resctrl, id);
  return directories.filter((one) => typeof statusAt(AT_FDCWD, one) === "number");
}

/** Looked for as execvp(3) does, by those who have use for them. */
function idMappers({ linux }: Config, { PATH = "" }: PlanOptions["environment"]) {
  const isOrdinary = process.geteuid?.() !== 0 && linux?.uidMappings !== undefined;
  const find = (name: string): string | null => {
    const folders = isOrdinary ? PATH.split(":").filter((one) => one.startsWith("/")) : [];
    const places = folders.map((folder) => `${folder}/${name}`);
    return places.find((place) => typeof statusAt(AT_FDCWD, place, 0) !== "number") ?? null;
  };
  return { newuidmap: find("newuidmap"), newgidmap: find("newgidmap") };
}

/** As sd_listen_fds(3) reads them: what is meant for another process, or no number, is no socket. */
export function listenFdsIn(environment: PlanOptions["environment"]): number {
  const { LISTEN_FDS = "", LISTEN_PID } = environment;
  const isOurs = LISTEN_PID === `${process.pid}`;
  return isOurs && /^[0-9]{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : 0;
}

/** Types whose path leads to the namespace that the caller is in. */
function callerNamespaces({ linux }: Config): string[] {
  return (linux?.namespaces ?? []).flatMap(({ type, path }) =>
    path !== undefined && path !== "" && isOwnNamespace(type, path) ? [type] : [],
  );
}
