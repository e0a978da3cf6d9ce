// State: what a process does. It only looks, so that it answers at once whatever else goes on.

import { STATUS, TASK } from "../../proto/task.ts";
import { execOf, taskMethod, taskOf } from "../house.ts";
import type { Task, TaskProcess } from "../task.ts";

export const state = taskMethod(TASK.State, (house, { id, execId }, call) => {
  const task = taskOf(house, id);
  const process = execId === "" ? task.init : execOf(task, execId);
  const { names, pid, exit } = process;
  call.answer({
    id: execId || id,
    bundle: task.bundle,
    pid,
    status: statusOf(task, process),
    stdin: names.stdin,
    stdout: names.stdout,
    stderr: names.stderr,
    terminal: names.terminal,
    exitStatus: exit?.status,
    exitedAt: exit?.at,
  });
});

function statusOf({ isPaused }: Task, { state: now, ending }: TaskProcess): number {
  if (now === "stopped") return STATUS.stopped;
  if (now === "created" || now === "creating" || now === "starting") return STATUS.created;
  return isPaused && ending === undefined ? STATUS.paused : STATUS.running;
}
