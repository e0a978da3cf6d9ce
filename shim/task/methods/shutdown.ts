// Shutdown: the end of a shim that has no container any more.

import { TASK } from "../../proto/task.ts";
import { taskMethod } from "../house.ts";

/** containerd waits for three. */
export const DRAIN_LIMIT_MS = 2_000;

export const shutdown = taskMethod(TASK.Shutdown, ({ tasks, publisher, stop }, _request, call) => {
  if (tasks.size > 0) {
    call.answer({});
    return;
  }
  publisher.drain(DRAIN_LIMIT_MS, () => {
    call.answer({});
    // Another container of the pod may have come meanwhile.
    if (tasks.size === 0) stop();
  });
});
