// Connect: pids, for a containerd that comes back. Any container may be asked for.

import { getPid } from "../../../runtime/sys/process.ts";
import { TASK } from "../../proto/task.ts";
import { taskMethod } from "../house.ts";

export const connect = taskMethod(TASK.Connect, ({ tasks }, { id }, call) => {
  call.answer({ shimPid: getPid(), taskPid: tasks.get(id)?.init.pid ?? 0 });
});
