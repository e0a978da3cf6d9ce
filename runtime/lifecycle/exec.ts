// exec: another process in a container that is there.

import { frozen } from "../cgroup/frozen.ts";
import { placesOf } from "../cgroup/places.ts";
import type { ProcessContainer } from "../clauses/container.ts";
import type { Joined } from "../clauses/join.ts";
import { NEEDLESS_SOCKET } from "../clauses/terminal.ts";
import type { Process } from "../config/types.gen.ts";
import { callerLimits } from "../engine/caller.ts";
import { type Init, runPlan } from "../engine/run.ts";
import { RuntimeError, StateError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { probeHost } from "../host/probe.ts";
import type { Log } from "../log.ts";
import { execPlan } from "../plan/exec.ts";
import type { Plan } from "../plan/step.ts";
import { missing, type Place } from "../store/directory.ts";
import { type ContainerRecord, type ProcessIdentity, readRecord } from "../store/record.ts";
import { AT_FDCWD, closeFd, statusAt } from "../sys/file.ts";
import { exitCodeOf, SIGKILL, trySignal } from "../sys/process.ts";
import { openSignalFd } from "../sys/signal.ts";
import { connect, sendMessage } from "../sys/socket.ts";
import { type ExecProcess, execProcess } from "./exec-process.ts";
import { requireProtectedExecutable } from "./executable.ts";
import { attend } from "./foreground.ts";
import { keptConfig } from "./kept-config.ts";
import { otherNamespaces } from "./own-namespace.ts";
import { writePidFile } from "./pid-file.ts";
import { requireOpen } from "./require-open.ts";
import { isAlive } from "./status.ts";

export interface ExecOptions extends Place {
  process: ExecProcess;
  detach: boolean;
  preserveFds: number;
  ignorePaused: boolean;
  pidFile?: string;
  consoleSocket?: string;
  pidfdSocket?: string;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
}

/**
 * Executes a process in a container.
 *
 * @returns its exit code, 128 + signal, or 0 when detached
 * @throws StateError when there is no such container, or none that a process could come to
 */
export function exec(options: ExecOptions): number {
  const { environment, preserveFds, log, detach } = options;
  requireProtectedExecutable({ environment, preserveFds });
  requireOpen(preserveFds);
  const plan = planOf(options);
  // Before there is anyone to signal: nothing that arrives from here on is lost.
  const signals = detach ? undefined : openSignalFd();
  const { init, slots } = runPlan({
    plan,
    environment,
    record: () => undefined,
    warn: (text) => log.warn(text),
    trace: log.debugs ? (entry) => log.debug(entry.op, entry) : undefined,
  });
  announce(options, init);
  if (signals === undefined) return 0;
  const console = slots.has("$console") ? slots.take("$console") : undefined;
  return exitCodeOf(attend({ init, signals, console, begin: () => undefined }));
}

function planOf(options: ExecOptions): Plan {
  const record = readRecord(options);
  if (record === undefined) throw missing(options);
  const init = runningInit(record, options);
  const config = keptConfig(options);
  const { process, file } = execProcess(options.process, config);
  const facts = probeHost();
  const joined = joinedFrom(record, { init, facts, preserveFds: options.preserveFds });
  const container = containerFrom(options, record, process);
  return execPlan(config, { process, file, joined }, { facts, container });
}

/** As runc words it, whose callers look for the words. */
function runningInit(record: ContainerRecord, { ignorePaused }: ExecOptions): ProcessIdentity {
  const { init, phase } = record;
  if (init === undefined || !isAlive(init)) {
    throw new StateError("cannot exec in a stopped container");
  }
  if (phase === "creating") {
    throw new StateError("cannot exec in a container that is being created");
  }
  if (!ignorePaused && frozen(record.cgroups)) {
    throw new StateError("cannot exec in a paused container (use --ignore-paused to override)");
  }
  return init;
}

function joinedFrom(
  { cgroups }: ContainerRecord,
  { init, facts, preserveFds }: { init: ProcessIdentity; facts: HostFacts; preserveFds: number },
): Joined {
  // A user's container may have none of its own.
  const cgroupOptional = facts.uid !== 0 || facts.userNamespace;
  const isThere = (path: string): boolean => typeof statusAt(AT_FDCWD, path) !== "number";
  return {
    ...init,
    namespaces: otherNamespaces(init.pid),
    cgroups: placesOf(cgroupOptional ? cgroups.filter(isThere) : cgroups, facts.cgroup),
    cgroupOptional,
    preserveFds,
  };
}

function containerFrom(
  options: ExecOptions,
  { id, bundle }: ContainerRecord,
  { terminal }: Process,
): ProcessContainer {
  const { openFiles } = callerLimits(options.environment);
  return {
    id,
    bundle,
    console: consoleOf(options, terminal === true),
    preserveFds: options.preserveFds,
    listenFds: 0,
    listenFdNames: null,
    notifySocket: null,
    sessionKeyring: true,
    openFiles: openFiles ? { soft: `${openFiles.soft}`, hard: `${openFiles.hard}` } : null,
    joins: true,
  };
}

function consoleOf(
  { consoleSocket, detach }: ExecOptions,
  terminal: boolean,
): ProcessContainer["console"] {
  if (consoleSocket === undefined) return { kind: terminal && !detach ? "foreground" : "none" };
  if (detach) return { kind: "socket", path: consoleSocket };
  throw new RuntimeError(`${NEEDLESS_SOCKET} (hint: add --detach)`);
}

/** Tells who waits for it that the process is there; without that it is of no use to them. */
function announce({ pidFile, pidfdSocket }: ExecOptions, { pid, pidfd }: Init): void {
  try {
    if (pidfdSocket !== undefined) {
      const socket = connect(pidfdSocket);
      sendMessage(socket, Buffer.from("setns"), pidfd);
      closeFd(socket);
    }
    if (pidFile !== undefined) writePidFile(pidFile, pid);
  } catch (error) {
    trySignal(pidfd, SIGKILL);
    throw error;
  }
}
