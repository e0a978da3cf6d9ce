// ResizePty: the size of a process's terminal, if it has one.

import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { processOf, taskMethod } from "../house.ts";

export const resizePty = taskMethod(TASK.ResizePty, (house, request, call) => {
  const { terminal, state } = processOf(house, request);
  if (state === "stopped") {
    throw new StatusError("unknown", "cannot resize a stopped container");
  }
  terminal?.resize(request);
  call.answer({});
});
