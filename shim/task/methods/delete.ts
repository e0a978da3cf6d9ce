// Delete: what is left of a process that has ended, or of a whole container.

import { deleteContainer } from "../../../runtime/lifecycle/delete.ts";
import { SIGKILL, trySignal } from "../../../runtime/sys/process.ts";
import { TASK } from "../../proto/task.ts";
import { unmountRootfs } from "../../rootfs.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { removeRecord } from "../exit-record.ts";
import { execOf, type House, statusOfFailure, taskMethod, taskOf } from "../house.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";
import type { Exit, Task, TaskProcess } from "../task.ts";

/** How long output that nobody reads is waited for. */
const DRAIN_LIMIT_MS = 10_000;

interface Deleted {
  pid: number;
  exitStatus: number;
  exitedAt: Exit["at"] | undefined;
}

export const deleteTask = taskMethod(TASK.Delete, (house, { id, execId }, call) => {
  const task = taskOf(house, id);
  const process = execId === "" ? task.init : execOf(task, execId);
  requireDeletable(task, process);
  const finish = (): void =>
    drained(house, process, () => {
      if (execId === "") removeContainer(house, task, call);
      else {
        process.streams?.close();
        task.execs.delete(execId);
        call.answer(deletedOf(process));
      }
    });
  if (process.state !== "created" || process.pid === 0) finish();
  else {
    // A container that was never started: its end first.
    process.waiters.add(finish);
    trySignal(process.pidfd, SIGKILL);
  }
});

function requireDeletable({ isPaused }: Task, { state }: TaskProcess): void {
  if (state === "stopped" || state === "created") return;
  throw new StatusError("unknown", `cannot delete a ${isPaused ? "paused" : "running"} process`);
}

/** Calls back when a terminal's last output is with its client, or will never be. */
function drained({ loop }: House, { terminal }: TaskProcess, done: () => void): void {
  if (terminal === undefined) {
    done();
    return;
  }
  let isDone = false;
  const finish = (): void => {
    if (isDone) return;
    isDone = true;
    stop();
    terminal.close();
    done();
  };
  const stop = loop.after(DRAIN_LIMIT_MS, finish);
  terminal.whenDrained(finish);
}

interface Answering {
  answer(response: Deleted): void;
  refuse(error: StatusError): void;
}

function removeContainer(house: House, task: Task, call: Answering): void {
  const { id, root, bundle, init } = task;
  const run = (): undefined => {
    const environment = runtimeEnvironment(house.environment);
    deleteContainer({ root, id, force: true, environment, log: house.log.with({ id }) });
    unmountRootfs(`${bundle}/rootfs`);
  };
  house.workers.begin({ run, fds: [] }, (outcome) => {
    if ("failure" in outcome) {
      call.refuse(statusOfFailure(outcome.failure, "OCI runtime delete failed"));
      return;
    }
    for (const process of [...task.execs.values(), init]) process.streams?.close();
    house.tasks.delete(id);
    removeRecord(task);
    const deleted = deletedOf(init);
    house.publisher.publish("/tasks/delete", { containerId: id, ...deleted });
    call.answer(deleted);
  });
}

function deletedOf({ pid, exit }: TaskProcess): Deleted {
  return { pid, exitStatus: exit?.status ?? 0, exitedAt: exit?.at };
}
