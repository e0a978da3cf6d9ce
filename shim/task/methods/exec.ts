// Exec: announces a process; nothing runs before its Start.

import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { taskMethod, taskOf, wordFor } from "../house.ts";
import { newProcess } from "../task.ts";

export const exec = taskMethod(TASK.Exec, (house, request, call) => {
  const { id, execId, stdin, stdout, stderr, terminal, spec } = request;
  const task = taskOf(house, id);
  if (execId === "") throw new StatusError("invalid argument", "an exec without an id");
  if (task.execs.has(execId)) {
    throw new StatusError("already exists", `id ${execId}: already exists`);
  }
  const now = wordFor(task, task.init);
  if (now === "stopped" || now === "paused") {
    throw new StatusError("unknown", `cannot exec in a ${now} state`);
  }
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
