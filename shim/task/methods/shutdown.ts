// Shutdown: the end of a shim that has no container any more.

import { TASK } from "../../proto/task.ts";
import { taskMethod } from "../house.ts";

export const shutdown = taskMethod(TASK.Shutdown, ({ tasks, stop }, _request, call) => {
  if (tasks.size === 0) stop();
  call.answer({});
});
