// exec: another process in a container that is there.

import type { ProcessContainer } from "../clauses/container.ts";
import { listenerFrom } from "../clauses/seccomp.ts";
import { NEEDLESS_SOCKET } from "../clauses/terminal.ts";
import type { Process } from "../config/types.gen.ts";
import { callerLimits } from "../engine/caller.ts";
import type { Init } from "../engine/init.ts";
import { isRecordable } from "../engine/record-steps.ts";
import { beginPlan, type Run, runPlan, type Started, type Underway } from "../engine/run.ts";
import { RuntimeError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { probeHost } from "../host/probe.ts";
import type { Log } from "../log.ts";
import { execPlan } from "../plan/exec.ts";
import type { Plan } from "../plan/step.ts";
import type { Place } from "../store/directory.ts";
import type { ContainerRecord, RootIdentity } from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { exitCodeOf, SIGKILL, tryKill, trySignal } from "../sys/process.ts";
import { openEndingSignalFd, openSignalFd } from "../sys/signal.ts";
import { connect, sendMessage } from "../sys/socket.ts";
import { windowSize } from "../sys/terminal.ts";
import { Untaped } from "../sys/untaped.ts";
import { withContainerRoot } from "./container-root.ts";
import { type ExecProcess, execProcess } from "./exec-process.ts";
import { requireProtectedExecutable } from "./executable.ts";
import { attend } from "./foreground.ts";
import { joinable, joinedBy } from "./joined.ts";
import { keptConfig } from "./kept-config.ts";
import { keptFilter } from "./kept-filter.ts";
import { writePidFile } from "./pid-file.ts";
import { requireOpen } from "./require-open.ts";
import { identityOf } from "./status.ts";

export interface ExecOptions extends Place {
  process: ExecProcess;
  detach: boolean;
  preserveFds: number;
  /** Whether to wait in a paused container. */
  ignorePaused: boolean;
  /** Places below the container's cgroup: a path, or CONTROLLER[,CONTROLLER]:PATH. */
  cgroups: readonly string[];
  /** After this the process is killed; counts from the start of this program. */
  timeoutMs?: number;
  pidFile?: string;
  consoleSocket?: string;
  pidfdSocket?: string;
  environment: Readonly<Record<string, string | undefined>>;
  /** What the machine is, where that is known already. */
  facts?: HostFacts;
  log: Log;
}

/**
 * Executes a process in a container.
 *
 * @returns its exit code, 128 + signal, or 0 when detached
 * @throws StateError when there is no such container, or none that a process could come to
 */
export function exec(options: ExecOptions): number {
  const { environment, preserveFds, detach, timeoutMs } = options;
  requireProtectedExecutable({ environment, preserveFds });
  requireOpen(preserveFds);
  // Before there is anyone to signal: nothing that arrives from here on is lost.
  const signals = detach ? undefined : openSignalFd();
  const { init, slots } = execProgram(options, prepareExec(options), {
    ...(signals !== undefined && {
      until: { deadlineMs: timeoutMs, signals: openEndingSignalFd() },
    }),
  });
  announce(options, init);
  if (signals === undefined) return 0;
  const console = slots.has("$console") ? slots.take("$console") : undefined;
  let isLate = false;
  const ending = attend({
    init,
    signals,
    console,
    begin: () => undefined,
    ...(timeoutMs !== undefined && {
      deadline: {
        atMs: timeoutMs,
        pass: () => {
          isLate = true;
          killGroup(init);
        },
      },
    }),
  });
  if (isLate) {
    throw new RuntimeError(`the process ran past its time of ${(timeoutMs ?? 0) / 1000} s`);
  }
  return exitCodeOf(ending);
}

/** What an exec will do. */
export interface PreparedExec {
  plan: Plan;
  /** For a child that plays a tape, which has no descriptors to preserve. */
  container?: { pid: number; root: RootIdentity };
  /** Of the agent that answers SCMP_ACT_NOTIFY. */
  listener?: { path: string; record: ContainerRecord };
}

/**
 * As {@link exec}, for one that attends to the program itself: returns when it runs.
 *
 * @param prepared what {@link prepareExec} has said, of the same options
 */
export function execProgram(
  options: Surroundings,
  prepared: PreparedExec,
  run: Pick<Run, "asSibling" | "recorderFile" | "until">,
): Started {
  const whole = { ...run, ...runOf(options, prepared) };
  try {
    return inTape(prepared, (tapedIn) => runPlan({ ...whole, tapedIn }));
  } catch (error) {
    if (!(error instanceof Untaped)) throw error;
    options.log.debug(`no tape: ${error.message}`);
  }
  return runPlan(whole);
}

/**
 * As {@link execProgram}, for one that serves others meanwhile, and reaps all that ends.
 * @param prepared one that `waitsForNobody`
 */
export function beginProgram(options: Surroundings, prepared: PreparedExec): Underway {
  return beginPlan({ ...runOf(options, prepared), isReaped: true });
}

/**
 * As {@link beginProgram}, by a child that plays what has been recorded.
 * @throws Untaped if that is not possible now, or turns out not to be later on
 */
export function beginTaped(options: Surroundings, prepared: PreparedExec): Underway {
  return inTape(prepared, (tapedIn) =>
    beginPlan({ ...runOf(options, prepared), isReaped: true, tapedIn }),
  );
}

/** @param use is given the container's root */
function inTape<T>({ plan, container }: PreparedExec, use: (root: number) => T): T {
  if (container === undefined) throw new Untaped("the container's root is not known");
  if (!isRecordable(plan)) throw new Untaped("not every step can be recorded");
  return withContainerRoot(container, use);
}

/** What a host can do that serves others: it changes nothing of its own, and never waits. */
const AT_ONCE = new Set([
  "process.hide",
  "warn",
  "stdio.give",
  "container.hold",
  "container.open-root",
  "cgroup.open",
  "clone",
  "oom_score_adj.set",
]);

/** Whether the host waits for nobody before the last step, in which the program is there. */
export function waitsForNobody({ plan, listener }: PreparedExec): boolean {
  const isAtOnce = plan
    .slice(0, -1)
    .every(({ who, op, after }) => who !== "host" || (after === undefined && AT_ONCE.has(op.name)));
  return isAtOnce && plan.at(-1)?.op.name === "exec.await" && listener === undefined;
}

type Surroundings = Pick<ExecOptions, "environment" | "log">;

function runOf({ environment, log }: Surroundings, { plan, listener }: PreparedExec): Run {
  return {
    plan,
    environment,
    record: () => undefined,
    warn: (text) => log.warn(text),
    trace: log.debugs ? (entry) => log.debug(entry.op, entry) : undefined,
    ...(listener && { listen: listening(listener) }),
  };
}

/** It leads a process group of its own. */
function killGroup({ pid, pidfd }: Init): void {
  trySignal(pidfd, SIGKILL);
  tryKill(-pid, SIGKILL);
}

/**
 * Reads the container's state and compiles what is to be done. It changes nothing, and waits for
 * nobody.
 * @throws StateError, ConfigError
 */
export function prepareExec(options: ExecOptions): PreparedExec {
  const { record, init } = joinable(options);
  const config = keptConfig(options);
  const execution = execProcess(options.process, config);
  const facts = options.facts ?? probeHost();
  const container = containerFrom(options, record, execution.process);
  const process =
    container.console.kind === "foreground" ? withSize(execution.process) : execution.process;
  const joined = joinedBy(options, { record, init, facts });
  const plan = execPlan(config, { ...execution, process, joined }, { facts, container });
  const listener = listenerFrom(config, record.bundle);
  const { root } = record;
  return {
    plan,
    ...(root && options.preserveFds === 0 && { container: { pid: init.pid, root } }),
    ...(listener && { listener: { path: listener.path, record } }),
  };
}

/** Connects to the agent that answers SCMP_ACT_NOTIFY, and gives what hands the listener over. */
function listening({
  path,
  record,
}: NonNullable<PreparedExec["listener"]>): NonNullable<Run["listen"]> {
  const { connectToAgent, handOverListener }: typeof import("./listener.ts") =
    require("./listener.ts");
  const agent = connectToAgent(path);
  return (recorder, init) =>
    handOverListener({
      record,
      recorder,
      agent,
      init,
      process: () => identityOf(recorder.program()),
    });
}

/** The size that the caller's terminal has, where none is asked for. */
function withSize(process: Process): Process {
  const consoleSize = process.consoleSize ?? [0, 1, 2].map(windowSize).find((size) => size);
  return consoleSize === undefined ? process : { ...process, consoleSize };
}

function containerFrom(
  options: ExecOptions,
  { id, bundle, noNewKeyring }: ContainerRecord,
  { terminal }: Process,
): ProcessContainer {
  const { openFiles } = callerLimits(options.environment);
  const filter = keptFilter(options);
  return {
    id,
    bundle,
    console: consoleOf(options, terminal === true),
    preserveFds: options.preserveFds,
    listenFds: 0,
    listenFdNames: null,
    notifySocket: null,
    sessionKeyring: noNewKeyring !== true,
    ...(filter && { filter }),
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
function announce({ pidFile, pidfdSocket }: ExecOptions, init: Init): void {
  try {
    if (pidfdSocket !== undefined) {
      const socket = connect(pidfdSocket);
      sendMessage(socket, Buffer.from("setns"), init.pidfd);
      closeFd(socket);
    }
    if (pidFile !== undefined) writePidFile(pidFile, init.pid);
  } catch (error) {
    killGroup(init);
    throw error;
  }
}
