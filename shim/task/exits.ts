// Ends of processes, told once, and written down before that.

import { signalEveryone } from "../../runtime/lifecycle/signal-everyone.ts";
import { readRecord } from "../../runtime/store/record.ts";
import { closeFd } from "../../runtime/sys/file.ts";
import { type Ending, exitCodeOf, SIGKILL } from "../../runtime/sys/process.ts";
import { timestampNow } from "../timestamp.ts";
import { isEnding, tellable } from "./exit-order.ts";
import { writeExit } from "./exit-record.ts";
import type { House } from "./house.ts";
import type { Exit, Task, TaskProcess } from "./task.ts";

interface Place {
  task: Task;
  process: TaskProcess;
}

/** 128 + SIGKILL. */
const OOM_KILLED = 137;

/** The kernel has told that a process ended. */
export function ended(house: House, { task, process }: Place, ending: Ending): void {
  process.ending = { status: exitCodeOf(ending), at: timestampNow() };
  if (process.pidfd >= 0) closeFd(process.pidfd);
  process.pidfd = -1;
  if (process === task.init) {
    // On disk before anyone knows: who asks after the shim was killed gets the same answer.
    writeExit(house, task, process.ending);
    killOthers(house, task);
  }
  settle(house, task);
}

/** Tells what may be told by now. Called whenever something has changed that others wait for. */
export function settle(house: House, task: Task): void {
  for (const process of tellable(task)) tell(house, { task, process });
}

function tell(house: House, { task, process }: Place): void {
  const exit = process.ending;
  if (exit === undefined) return;
  // The kernel has told of the OOM killer before it told of the victim's end.
  if (exit.status === OOM_KILLED) task.oomWatch?.look();
  if (process === task.init) {
    task.oomWatch?.look();
    task.oomWatch?.stop();
    task.oomWatch = undefined;
    task.isPaused = false;
  }
  release(process, exit);
  house.publisher.publish("/tasks/exit", {
    containerId: task.id,
    id: process.execId || task.id,
    pid: process.pid,
    exitStatus: exit.status,
    exitedAt: exit.at,
  });
}

/** Lets go of those who wait for a process. */
export function release(process: TaskProcess, exit: Exit): void {
  process.exit = exit;
  process.state = "stopped";
  const waiters = [...process.waiters];
  process.waiters.clear();
  for (const waiter of waiters) waiter(exit);
}

/** Without a pid namespace of its own nobody else ends with init. */
export function killOthers(house: House, task: Task): void {
  if (task.ownPidNamespace || !isEnding(task)) return;
  const { root, id } = task;
  const kill = (): void => {
    const record = readRecord({ root, id });
    if (record !== undefined) signalEveryone(record, SIGKILL);
  };
  house.workers.run(kill, (failure) => {
    if (failure === undefined || failure.kind === "missing") return;
    house.log.with({ id }).warn(`cannot kill what init has left: ${failure.text}`);
    if (failure.kind === "lost") killOthers(house, task);
  });
}
