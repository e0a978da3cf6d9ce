// The shim itself: one process, one thread, one loop, for all containers of a pod.

import { tryUnlinkAt } from "../runtime/sys/entry.ts";
import { AT_FDCWD, duplicateTo, O_RDWR, open } from "../runtime/sys/file.ts";
import {
  newProcessGroup,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_THP_DISABLE,
  prctl,
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

/** Serves until it is told to shut down. Runs in a fork of `start`. */
export function daemon(options: DaemonOptions): void {
  const { socket, path, namespace, environment } = options;
  leaveStarter();
  const log = makeShimLog(`${process.cwd()}/log`, options).with({ id: options.id });
  const loop = makeLoop();
  const report = (error: unknown): void => {
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const children = makeChildren(loop, openSignalFd(), (signal) => {
    if (signal === SIGTERM || signal === SIGINT) loop.stop();
    if (signal === SIGUSR1) describe(house);
  });
  const publisher = makePublisher({ address: options.ttrpcAddress, namespace, loop, log });
  const house: House = {
    tasks: new Map(),
    loop,
    children,
    workers: makeWorkers(loop, children),
    publisher,
    log,
    namespace,
    environment,
    // After the answer to whoever asked.
    stop: () => loop.after(0, () => loop.stop()),
  };
  const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  listenForCalls(socket, { loop, services: taskServices(house), owner, report });
  loop.run(report);
  tryUnlinkAt(AT_FDCWD, path);
}

/** containerd reads what `start` prints to its end, which is when nobody has it open any more. */
function leaveStarter(): void {
  const nothing = open("/dev/null", O_RDWR);
  for (const fd of [0, 1, 2]) duplicateTo(nothing, fd);
  newProcessGroup();
  setName("containerd-shim");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_THP_DISABLE, 1);
}

/** For SIGUSR1: what the shim holds, into its log. */
function describe({ tasks, publisher, log }: House): void {
  for (const { id, init, execs, isPaused } of tasks.values()) {
    log.info("task", { id, pid: init.pid, state: init.state, paused: isPaused });
    for (const { execId, pid, state } of execs.values()) {
      log.info("exec", { id, exec: execId, pid, state });
    }
  }
  log.info("shim", { tasks: tasks.size, events: publisher.waiting() });
}
