// Delete: what is left of a process that has ended, or of a whole container.

import { deleteContainer } from "../../../runtime/lifecycle/delete.ts";
import { beginRemoval } from "../../../runtime/lifecycle/removal.ts";
import { tryUnlinkAt } from "../../../runtime/sys/entry.ts";
import { AT_FDCWD } from "../../../runtime/sys/file.ts";
import { SIGKILL, trySignal } from "../../../runtime/sys/process.ts";
import { TASK } from "../../proto/task.ts";
import { timestampNow } from "../../timestamp.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { unmountRootfs } from "../../unmount-rootfs.ts";
import { type Failure, isFailure, outcomeOf } from "../../worker.ts";
import { removeRecord } from "../exit-record.ts";
import { release } from "../exits.ts";
import { execOf, type House, statusOfFailure, taskMethod, taskOf, wordFor } from "../house.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";
import type { Remover, Task, TaskProcess } from "../task.ts";

/** How long output that nobody reads is waited for. */
const DRAIN_LIMIT_MS = 10_000;

export const deleteTask = taskMethod(TASK.Delete, (house, { id, execId }, call) => {
  const making = house.tasks.get(id);
  // Whoever asks for it has waited long enough for its Create, and does not come again.
  if (execId === "" && making?.init.state === "creating") {
    making.whenMade.add(() => removeMade(house, id, call));
    return;
  }
  const task = taskOf(house, id);
  if (execId === "") remove(house, task, call);
  else removeExec(house, { task, process: execOf(task, execId) }, call);
});

function removeMade(house: House, id: string, remover: Remover): void {
  const task = house.tasks.get(id);
  if (task !== undefined) remove(house, task, remover);
  else remover.refuse(new StatusError("not found", `container not created: ${id}: not found`));
}

interface Place {
  task: Task;
  process: TaskProcess;
}

function requireDeletable({ task, process }: Place): void {
  const now = wordFor(task, process);
  if (now === "stopped" || now === "created") return;
  throw new StatusError("unknown", `cannot delete a ${now} process`);
}

function removeExec(house: House, { task, process }: Place, remover: Remover): void {
  requireDeletable({ task, process });
  drained(house, process, () => {
    close(process);
    task.execs.delete(process.execId);
    remover.answer(deletedOf(process));
  });
}

/** One removal, whoever asks for it meanwhile. */
function remove(house: House, task: Task, remover: Remover): void {
  const { init, removers } = task;
  requireDeletable({ task, process: init });
  removers.add(remover);
  if (removers.size > 1) return;
  const finish = (): void => allDrained(house, task, () => removeContainer(house, task));
  if (init.state === "stopped") finish();
  else {
    // A container that was never started: its end first.
    init.waiters.add(finish);
    trySignal(init.pidfd, SIGKILL);
  }
}

/** Calls back when the last output is with its client, or will never be. */
function drained({ loop }: House, { terminal, streams }: TaskProcess, done: () => void): void {
  const cancel = loop.after(DRAIN_LIMIT_MS, () => {
    terminal?.close();
    streams?.close();
  });
  const finish = (): void => {
    cancel();
    done();
  };
  const passOn = (): void => {
    // A program that logs reads the end only then.
    terminal?.close();
    if (streams === undefined) finish();
    else streams.whenDrained(finish);
  };
  if (terminal === undefined) passOn();
  else terminal.whenDrained(passOn);
}

function allDrained(house: House, { execs, init }: Task, done: () => void): void {
  const left = new Set([...execs.values(), init]);
  for (const process of [...left]) {
    drained(house, process, () => {
      left.delete(process);
      if (left.size === 0) done();
    });
  }
}

function removeContainer(house: House, task: Task): void {
  const byWorker = (): void =>
    house.workers.run(
      () => undo(house, task),
      (failure) => removed(house, task, failure),
    );
  const removal = outcomeOf(() => task.mounts && beginRemoval(task, task.mounts));
  if (removal === undefined || isFailure(removal)) {
    byWorker();
    return;
  }
  house.children.whenEnded(removal.process, () => {
    // What fails here is told by the worker.
    if (outcomeOf(removal.finish) === true) removed(house, task, undefined);
    else byWorker();
  });
}

function removed(house: House, task: Task, failure: Failure | undefined): void {
  const { id, init, removers } = task;
  const asked = [...removers];
  removers.clear();
  if (failure !== undefined) {
    for (const one of asked) one.refuse(statusOfFailure(failure, "OCI runtime delete failed"));
    return;
  }
  for (const process of [...task.execs.values(), init]) close(process);
  house.tasks.delete(id);
  removeRecord(task);
  removeAddress(house, task);
  const deleted = deletedOf(init);
  house.publisher.publish("/tasks/delete", { containerId: id, ...deleted });
  for (const one of asked) one.answer(deleted);
}

/** `delete` finds nothing to do then. That of the last is kept: by it an idle shim is found. */
function removeAddress({ tasks, signs }: House, { bundle }: Task): void {
  const address = `${bundle}/address`;
  if (tasks.size === 0) signs.add(address);
  else tryUnlinkAt(AT_FDCWD, address);
}

/** Leaves nothing of a container, in whatever state it is. May take its time: for a worker. */
export function undo({ environment, log }: House, { id, root, bundle }: Task): void {
  deleteContainer({
    root,
    id,
    force: true,
    environment: runtimeEnvironment(environment),
    log: log.with({ id }),
  });
  unmountRootfs(`${bundle}/rootfs`);
}

/** The shim's ends of its streams; nobody will see it end who has not by now. */
function close(process: TaskProcess): void {
  process.terminal?.close();
  process.streams?.close();
  if (process.exit === undefined) release(process, { status: 0, at: timestampNow() });
}

function deletedOf({ pid, exit }: TaskProcess): Parameters<Remover["answer"]>[0] {
  return { pid, exitStatus: exit?.status ?? 0, exitedAt: exit?.at };
}
