// process (config.md#process): working directory, environment and program.

import type { Config, Process } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { enterWorkingDirectory, makeWorkingDirectory, openWorkingDirectory } from "../ops/cwd.ts";
import {
  closeDescriptors,
  executeProgram,
  type FilterText,
  findHome,
  findPid,
  prepareProgram,
  resolveProgram,
} from "../ops/exec.ts";
import {
  forbidNewPrivileges,
  hideProcess,
  joinKeyring,
  newSession,
  protectProcess,
  releaseProcess,
  setOomScoreAdj,
  tryOomScoreAdj,
} from "../ops/process.ts";
import { reopenNull } from "../ops/stdio.ts";
import { type Step, step } from "../plan/step.ts";
import { isHostRoot } from "./caller-may.ts";
import type { ProcessContainer } from "./container.ts";
import { hasJoiner, hasNewNamespace } from "./namespaces.ts";
import { notifyEnvironment } from "./notify-socket.ts";
import { tasksOf } from "./rlimits.ts";
import { isSetAfterFork } from "./scheduler.ts";
import { listenerSteps, seccomp } from "./seccomp.ts";
import { labelledKeyring } from "./security-labels.ts";

/** Where execvp(3) looks when PATH is not set. */
const DEFAULT_PATH = "/bin:/usr/bin";

export interface ProcessClause {
  /** First of all, by a host that can do without being traced itself. */
  hide: readonly Step[];
  /** Before anything is made: a wrong socket fails early. */
  listener: readonly Step[];
  /** By the host for init, which may not be allowed to lower it. */
  score: readonly Step[];
  /** By init or its joiner for itself, whose files are nobody's but root's once it is protected. */
  ownScore: readonly Step[];
  /** First of all in init. */
  protect: readonly Step[];
  /** With the ids of the container's root. */
  session: readonly Step[];
  /** The working directory while the root can still be written. */
  directory: readonly Step[];
  /** In the container's root: what fails `create` if it cannot be done. */
  prepare: readonly Step[];
  /** Last before the host leaves. */
  release: readonly Step[];
  /** After the identity: the rest of the way. */
  execute: readonly Step[];
  problems: readonly Problem[];
}

export function processClause(
  config: Config,
  facts: HostFacts,
  container: ProcessContainer,
): ProcessClause {
  const { filter, problems } =
    container.filter === undefined
      ? compiled(config, facts)
      : { filter: container.filter, problems: [] };
  const process = config.process;
  const session = [
    ...(container.joins ? [] : [step("init", newSession({}), "")]),
    ...(container.sessionKeyring
      ? labelledKeyring(
          config,
          facts,
          step("init", joinKeyring({ name: `_ses.${container.id}` }), ""),
        )
      : []),
  ];
  const release = [step("init", releaseProcess({}), "")];
  const protect = [step("init", protectProcess({}), "")];
  const always = { hide: hideSteps(facts), protect, session, release, problems };
  if (process === undefined) {
    return {
      ...always,
      listener: [],
      score: [],
      ownScore: [],
      directory: [],
      prepare: [],
      execute: [],
    };
  }
  const listener = listenerSteps(config, facts, container);
  const { cwd, args } = process;
  const env = environmentOf(config, process, container);
  return {
    ...always,
    listener: listener.check,
    ...scoreSteps(config, process, facts),
    directory: [step("init", makeWorkingDirectory({ path: cwd }), "/process/cwd")],
    prepare: [
      ...(process.terminal ? [] : [step("init", reopenNull({}), "")]),
      step("init", openWorkingDirectory({ path: cwd }), "/process/cwd"),
      step(
        "init",
        resolveProgram({ name: args[0] ?? "", searchPath: searchPathOf(env), cwd }),
        "/process/args/0",
      ),
      ...(env.some((entry) => entry.startsWith("HOME="))
        ? []
        : [step("init", findHome({ uid: process.user?.uid ?? 0 }), "")]),
      ...(needsPid(config, container) ? [step("init", findPid({}), "")] : []),
      step(
        "init",
        prepareProgram({
          argv: args,
          env,
          filter,
          clone: container.joins
            ? {
                terminal: process.terminal === true,
                waits: isSetAfterFork(process),
                tasks: tasksOf(process),
              }
            : null,
        }),
        "/process/args",
      ),
    ],
    execute: [
      ...(process.noNewPrivileges === true
        ? [step("init", forbidNewPrivileges({}), "/process/noNewPrivileges")]
        : []),
      step("init", enterWorkingDirectory({ path: cwd }), "/process/cwd"),
      step(
        "init",
        closeDescriptors({ preserve: container.preserveFds, now: container.joins === true }),
        "",
      ),
      ...listener.allow,
      step("init", executeProgram({ name: args[0] ?? "" }), "/process/args"),
    ],
  };
}

function compiled(
  config: Config,
  facts: HostFacts,
): { filter: FilterText | null; problems: readonly Problem[] } {
  const { filter, problems } = seccomp(config, facts);
  if (filter === undefined) return { filter: null, problems };
  const { program, flags } = filter;
  const instructions = program.length / 8;
  const text = Buffer.from(program).toString("base64");
  return { filter: { program: text, flags, instructions }, problems };
}

/** Whoever is not root, or has no CAP_SYS_PTRACE, could not look after init any more. */
function hideSteps({ uid, capabilities }: HostFacts): Step[] {
  const mayTrace = uid === 0 && capabilities.includes("CAP_SYS_PTRACE");
  return mayTrace ? [step("host", hideProcess({}), "")] : [];
}

function scoreSteps(config: Config, { oomScoreAdj: value }: Process, facts: HostFacts) {
  const pointer = "/process/oomScoreAdj";
  if (value === undefined) return { score: [], ownScore: [] };
  return isHostRoot(facts)
    ? { score: [step("host", setOomScoreAdj({ value }), pointer)], ownScore: [] }
    : {
        score: [],
        ownScore: [step(hasJoiner(config) ? "joiner" : "init", tryOomScoreAdj({ value }), pointer)],
      };
}

/**
 * The environment with each name once, the last value, at the place of the first; an empty HOME is
 * left out, and what a service manager passes on is told as sd_listen_fds(3) and sd_notify(3) want.
 */
function environmentOf(
  config: Config,
  { env = [] }: Process,
  container: ProcessContainer,
): string[] {
  const told = [...listenEnvironment(container), ...notifyEnvironment(config, container)];
  const values = new Map<string, string>();
  for (const entry of [...env, ...told]) {
    values.set(entry.slice(0, Math.max(entry.indexOf("="), 0)), entry);
  }
  if (values.get("HOME") === "HOME=") values.delete("HOME");
  if (needsPid(config, container)) values.delete("LISTEN_PID");
  return [...values.values()];
}

/** In a pid namespace of its own the program is 1; its pid in another is found in time. */
function listenEnvironment({ listenFds, listenFdNames }: ProcessContainer): string[] {
  if (listenFds === 0) return [];
  return [
    `LISTEN_FDS=${listenFds}`,
    "LISTEN_PID=1",
    ...(listenFdNames === null ? [] : [`LISTEN_FDNAMES=${listenFdNames}`]),
  ];
}

function needsPid(config: Config, { listenFds }: ProcessContainer): boolean {
  return listenFds > 0 && !hasNewNamespace(config, "pid");
}

function searchPathOf(env: readonly string[]): string[] {
  const path = env.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
  return (path ?? DEFAULT_PATH).split(":");
}
