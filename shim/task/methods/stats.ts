// Stats: what a container has used, as containerd's metrics.

import { metricsOf } from "../../metrics/metrics.ts";
import { TASK } from "../../proto/task.ts";
import { taskMethod, taskOf } from "../house.ts";

export const stats = taskMethod(TASK.Stats, (house, { id }, call) => {
  const { root } = taskOf(house, id);
  call.answer({ stats: metricsOf({ root, id }) });
});
