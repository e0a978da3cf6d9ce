// Kill: a signal for a process, or for everyone in a container.

import { EBADF, EINVAL, ESRCH } from "../../../runtime/errno.ts";
import { SyscallError } from "../../../runtime/errors.ts";
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
    signalOne(process.pidfd, signal);
    call.answer({});
    return;
  }
  const run = (): void => killContainer({ root: task.root, id, signal, all });
  house.workers.run(run, (failure) => {
    if (failure === undefined) call.answer({});
    else if (failure.kind === "state" || failure.kind === "missing") call.refuse(finished());
    else call.refuse(statusOfFailure(failure, "cannot kill"));
  });
});

function signalOne(pidfd: number, signal: number): void {
  const result = trySignal(pidfd, signal);
  // Reaped, and its end is about to be told.
  if (result === -ESRCH || result === -EBADF) throw finished();
  if (result === -EINVAL) throw new StatusError("invalid argument", `no signal ${signal}`);
  if (result < 0) throw new SyscallError(`pidfd_send_signal(${signal})`, -result);
}

function finished(): StatusError {
  return new StatusError("not found", "process already finished: not found");
}
