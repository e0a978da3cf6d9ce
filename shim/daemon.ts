// The shim itself: one process, one thread, one loop, for all containers of a pod.

import { catchSignals } from "../runtime/sys/caught-signals.ts";
import { tryUnlinkAt } from "../runtime/sys/entry.ts";
import { AT_FDCWD } from "../runtime/sys/file.ts";
import {
  exitNow,
  newProcessGroup,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_PDEATHSIG,
  PR_SET_THP_DISABLE,
  prctl,
  SIGKILL,
  setName,
} from "../runtime/sys/process.ts";
import { openSignalFd } from "../runtime/sys/signal.ts";
import { makeChildren } from "./children.ts";
import { makePublisher } from "./events/publisher.ts";
import type { Environment } from "./launch/start.ts";
import { makeShimLog } from "./log.ts";
import { makeLoop } from "./loop.ts";
import type { House } from "./task/house.ts";
import { taskServices } from "./task/service.ts";
import type { TaskProcess } from "./task/task.ts";
import { makeTidyUp } from "./tidy-up.ts";
import { listenForCalls } from "./ttrpc/listen.ts";
import { makeWorkers } from "./worker.ts";

export interface DaemonOptions {
  /** Listens already. */
  socket: number;
  /** Where it is bound. */
  path: string;
  id: string;
  namespace: string;
  /** Where events go; "" for nowhere. */
  ttrpcAddress: string;
  debugs: boolean;
  environment: Environment;
}

const SIGINT = 2;
const SIGUSR1 = 10;
const SIGTERM = 15;
/** How long a shim that shall end waits for its events to be told. */
const LEAVE_LIMIT_MS = 2_000;
/** The same, where containerd has been there before: it takes no events while it starts. */
const LINGER_LIMIT_MS = 30_000;

/** Serves until it is told to shut down; returns when it rests. Runs in a fork of `start`. */
export function daemon(options: DaemonOptions): void {
  const { socket, path, namespace, environment } = options;
  const bundle = process.cwd();
  leaveStarter();
  const log = makeShimLog(`${bundle}/log`, options).with({ id: options.id });
  const loop = makeLoop();
  const report = (error: unknown): void => {
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const hear = (signal: number): void => {
    if (signal === SIGTERM || signal === SIGINT) end(LEAVE_LIMIT_MS, () => true);
    if (signal === SIGUSR1) describe(house);
  };
  const children = makeChildren(loop, openSignalFd(), hear);
  const publisher = makePublisher({ address: options.ttrpcAddress, namespace, loop, log });
  const house: House = {
    tasks: new Map(),
    loop,
    children,
    workers: makeWorkers(loop, children, beWorker),
    publisher,
    log,
    namespace,
    environment,
    calls: new Set(),
    // Whoever comes from now on needs another shim, and finds no socket.
    signs: new Set([path, `${bundle}/address`]),
    // Another container of the pod may come meanwhile, by a connection that is there.
    stop: () =>
      end(publisher.isHeard() ? LINGER_LIMIT_MS : LEAVE_LIMIT_MS, () => house.tasks.size === 0),
  };
  const end = (limitMs: number, isWanted: () => boolean): void => {
    for (const file of house.signs) tryUnlinkAt(AT_FDCWD, file);
    // The next shim's are at the same places.
    house.signs.clear();
    // Events are told to their end.
    const leave = (): void => {
      if (isWanted()) loop.stop();
    };
    publisher.drain(limitMs, () => loop.after(0, leave));
  };
  const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  listenForCalls(socket, { loop, services: taskServices(house), owner, report });
  const tidyUp = makeTidyUp(loop, children);
  const serve = (): void => {
    if (loop.run(report) === "stopped") exitNow(0);
    const release = catchSignals();
    tidyUp(() => {
      release().forEach(hear);
      serve();
    });
  };
  serve();
}

function leaveStarter(): void {
  // A bundle, which others may outlive.
  process.chdir("/");
  newProcessGroup();
  setName("containerd-shim");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_THP_DISABLE, 1);
}

/** It ends with the shim: who cleans up then is alone. What containers would inherit is put back. */
function beWorker(): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_THP_DISABLE, 0);
}

/** How many pending calls are told, the oldest: the log's fifo has room for some hundred lines. */
const CALLS_MAX = 100;

/** For SIGUSR1: what the shim holds, into its log. */
function describe({ tasks, calls, publisher, log }: House): void {
  const about = (id: string, process: TaskProcess): object => {
    const { execId, pid, state, ending, exit, waiters } = process;
    const end = ending === undefined ? {} : { status: ending.status, told: exit !== undefined };
    return { task: id, ...(execId && { exec: execId }), pid, state, waiters: waiters.size, ...end };
  };
  for (const { id, init, execs, isPaused } of tasks.values()) {
    log.info("task", { ...about(id, init), paused: isPaused });
    for (const exec of execs.values()) log.info("exec", about(id, exec));
  }
  for (const { request, id, sinceMs } of [...calls].slice(0, CALLS_MAX)) {
    const seconds = Math.round(performance.now() - sinceMs) / 1000;
    log.info("pending call", { task: id, request, seconds });
  }
  log.info("shim", { tasks: tasks.size, calls: calls.size, events: publisher.waiting() });
}
