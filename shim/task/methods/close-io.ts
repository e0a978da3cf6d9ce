// CloseIO: the client writes no more; the process reads an end of file when it has read the rest.

import { TASK } from "../../proto/task.ts";
import { processOf, taskMethod } from "../house.ts";

export const closeIO = taskMethod(TASK.CloseIO, (house, request, call) => {
  const init = request.execId === "" ? house.tasks.get(request.id)?.init : undefined;
  // Of a container that is still being made, too: its input is open already.
  const process = init ?? processOf(house, request);
  process.isStdinClosed = true;
  process.streams?.closeStdin();
  call.answer({});
});
