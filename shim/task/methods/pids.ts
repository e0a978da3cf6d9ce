// Pids: everyone in a container's cgroups.

import { pids as pidsOf } from "../../../runtime/lifecycle/ps.ts";
import { encode } from "../../proto/encode.ts";
import { ProcessDetails, TASK } from "../../proto/task.ts";
import { type House, taskMethod, taskOf } from "../house.ts";
import type { TaskProcess } from "../task.ts";

export const pids = taskMethod(TASK.Pids, (house, { id }, call) => {
  const { root, init, execs } = taskOf(house, id);
  const found = init.state === "stopped" ? untold(house, init) : pidsOf({ root, id });
  const running = [...execs.values()].filter(({ state }) => state === "running");
  const execIds = new Map(running.map(({ pid, execId }) => [pid, execId]));
  const processes = found.map((pid) => {
    const execId = execIds.get(pid);
    if (execId === undefined) return { pid };
    const value = encode(ProcessDetails, { execId });
    return { pid, info: { typeUrl: ProcessDetails.name, value } };
  });
  call.answer({ processes });
});

/**
 * A containerd that has been away takes a container without processes for one that it need not keep:
 * as long as it has not heard of the end, init is still there to it.
 */
function untold({ publisher }: House, init: TaskProcess): number[] {
  return publisher.isCutOff() ? [init.pid] : [];
}
