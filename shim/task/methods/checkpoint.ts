// Checkpoint: not there yet.

import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { taskMethod } from "../house.ts";

export const checkpoint = taskMethod(TASK.Checkpoint, () => {
  throw new StatusError("unimplemented", "checkpoint is not implemented");
});
