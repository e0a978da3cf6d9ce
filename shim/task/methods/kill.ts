// Kill: a signal for a process, or for everyone in a container.

import { kill as killContainer } from "../../../runtime/lifecycle/kill.ts";
import { SIGKILL, trySignal } from "../../../runtime/sys/process.ts";
import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { execOf, statusOfFailure, taskMethod, taskOf } from "../house.ts";

export const kill = taskMethod(TASK.Kill, (house, { id, execId, signal, all }, call) => {
  const task = taskOf(house, id);
  const process = execId === "" ? task.init : execOf(task, execId);
  if (process.state === "stopped" || process.ending !== undefined) {
    if (execId !== "" || !all) throw finished();
    call.answer({});
    return;
  }
  if (process.pid === 0) throw new StatusError("failed precondition", "process not created");
  const isSimple = !task.isPaused && (task.ownPidNamespace || signal !== SIGKILL);
  if (execId !== "" || (isSimple && !all)) {
    const result = trySignal(process.pidfd, signal);
    if (result < 0) throw finished();
    call.answer({});
    return;
  }
  const run = (): undefined => {
    killContainer({ root: task.root, id, signal, all });
  };
  house.workers.begin({ run, fds: [] }, (outcome) => {
    if (!("failure" in outcome)) call.answer({});
    else if (/not running/.test(outcome.failure.text)) call.refuse(finished());
    else call.refuse(statusOfFailure(outcome.failure, "cannot kill"));
  });
});

function finished(): StatusError {
  return new StatusError("not found", "process already finished: not found");
}
