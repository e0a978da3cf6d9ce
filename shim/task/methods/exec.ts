// Exec: announces a process; nothing runs before its Start.

import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { taskMethod, taskOf } from "../house.ts";
import { newProcess } from "../task.ts";

export const exec = taskMethod(TASK.Exec, (house, request, call) => {
  const { id, execId, stdin, stdout, stderr, terminal, spec } = request;
  const task = taskOf(house, id);
  if (task.execs.has(execId)) {
    throw new StatusError("already exists", `id ${execId}: already exists`);
  }
  if (task.init.state === "stopped") {
    throw new StatusError("unknown", "cannot exec in a stopped state");
  }
  if (task.isPaused) throw new StatusError("unknown", "cannot exec in a paused state");
  const process = newProcess(execId, { stdin, stdout, stderr, terminal });
  task.execs.set(execId, {
    ...process,
    state: "created",
    // It may be in a buffer that is used again.
    spec: Buffer.from(spec?.value ?? []).toString(),
  });
  house.publisher.publish("/tasks/exec-added", { containerId: id, execId });
  call.answer({});
});
