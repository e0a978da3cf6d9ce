// Pids: everyone in a container's cgroups.

import { pids as pidsOf } from "../../../runtime/lifecycle/ps.ts";
import { encode } from "../../proto/encode.ts";
import { ProcessDetails, TASK } from "../../proto/task.ts";
import { taskMethod, taskOf } from "../house.ts";

export const pids = taskMethod(TASK.Pids, (house, { id }, call) => {
  const { root, init, execs } = taskOf(house, id);
  const found = init.state === "stopped" ? [] : pidsOf({ root, id });
  const processes = found.map((pid) => {
    const exec = [...execs.values()].find((one) => one.pid === pid);
    if (exec === undefined) return { pid };
    const value = encode(ProcessDetails, { execId: exec.execId });
    return { pid, info: { typeUrl: ProcessDetails.name, value } };
  });
  call.answer({ processes });
});
