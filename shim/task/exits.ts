// Ends of processes, told in the order that clients rely on: an exec's when it has been told that it
// started, init's as the last of its container.

import { signalEveryone } from "../../runtime/lifecycle/signal-everyone.ts";
import { readRecord } from "../../runtime/store/record.ts";
import { closeFd } from "../../runtime/sys/file.ts";
import { type Ending, exitCodeOf, SIGKILL } from "../../runtime/sys/process.ts";
import { timestampNow } from "../timestamp.ts";
import { writeExit } from "./exit-record.ts";
import type { House } from "./house.ts";
import type { Task, TaskProcess } from "./task.ts";

/** The kernel has told that a process ended. */
export function ended(house: House, { task, process }: Place, ending: Ending): void {
  process.ending = ending;
  if (process.pidfd >= 0) closeFd(process.pidfd);
  process.pidfd = -1;
  if (process === task.init && !task.ownPidNamespace) killOthers(house, task);
  settle(house, task);
}

interface Place {
  task: Task;
  process: TaskProcess;
}

/** Tells what may be told by now. Called whenever something has changed that others wait for. */
export function settle(house: House, task: Task): void {
  for (const exec of task.execs.values()) {
    if (exec.ending !== undefined && exec.state === "running") tell(house, { task, process: exec });
  }
  const isAlone = [...task.execs.values()].every(
    ({ state }) => state === "created" || state === "stopped",
  );
  const { init } = task;
  const mayEnd = init.state === "running" || init.state === "created";
  if (init.ending !== undefined && mayEnd && isAlone) tell(house, { task, process: init });
}

function tell(house: House, { task, process }: Place): void {
  if (process.ending === undefined) return;
  const exit = { status: exitCodeOf(process.ending), at: timestampNow() };
  process.exit = exit;
  process.state = "stopped";
  if (process === task.init) {
    task.stopOomWatch();
    // On disk before anyone knows: who asks after the shim was killed gets the same answer.
    writeExit(house, task, exit);
  }
  for (const waiter of process.waiters) waiter(exit);
  process.waiters.clear();
  house.publisher.publish("/tasks/exit", {
    containerId: task.id,
    id: process.execId || task.id,
    pid: process.pid,
    exitStatus: exit.status,
    exitedAt: exit.at,
  });
}

/** Without a pid namespace of its own nobody else ends with init. */
function killOthers({ workers, log }: House, { root, id }: Task): void {
  const run = (): undefined => {
    const record = readRecord({ root, id });
    if (record !== undefined) signalEveryone(record, SIGKILL);
  };
  workers.begin({ run, fds: [] }, (outcome) => {
    if ("failure" in outcome) log.warn(`cannot kill what init has left: ${outcome.failure.text}`);
  });
}
