// CloseIO: the client writes no more; the process reads an end of file when it has read the rest.

import { TASK } from "../../proto/task.ts";
import { processOf, taskMethod } from "../house.ts";

export const closeIO = taskMethod(TASK.CloseIO, (house, request, call) => {
  const process = processOf(house, request);
  process.isStdinClosed = true;
  process.streams?.closeStdin();
  call.answer({});
});
