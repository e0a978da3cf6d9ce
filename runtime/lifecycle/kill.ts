// kill: a signal for the container's processes (runtime.md#kill).

import { ESRCH } from "../errno.ts";
import { StateError, SyscallError } from "../errors.ts";
import type { Place } from "../store/directory.ts";
import { type ContainerRecord, readRecord } from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { SIGKILL, trySignal } from "../sys/process.ts";
import { holdProcess, type Status, statusOf } from "./status.ts";

export interface KillOptions extends Place {
  signal: number;
  /** Every process of the container; of one that has stopped, it is no error that there is none. */
  all: boolean;
}

/**
 * Signals init; with `all`, and with SIGKILL where no pid namespace ends with init, every process of
 * the container, also those that init has left behind.
 * @throws StateError when there is nobody to signal
 */
export function kill(options: KillOptions): void {
  const record = readRecord(options);
  const status = statusOf(options, record);
  if (record === undefined || status === "creating") throw notRunning(status);
  const { signal, all } = options;
  const everyone = all || (signal === SIGKILL && !record.ownPidNamespace);
  if (everyone) {
    const isAny = signalEveryone()(record, signal);
    if (!isAny && !all) throw notRunning(status);
    return;
  }
  const pidfd = record.init && holdProcess(record.init);
  if (pidfd === undefined) throw notRunning(status);
  const result = trySignal(pidfd, signal);
  closeFd(pidfd);
  if (result === -ESRCH) throw notRunning("stopped");
  if (result < 0) throw new SyscallError(`pidfd_send_signal(${signal})`, -result);
  if (signal === SIGKILL && status === "paused") letDie(record);
}

/** A process that v1 has frozen does not even take a SIGKILL. */
export function letDie({ cgroups }: Pick<ContainerRecord, "cgroups">): void {
  const { thawAll }: typeof import("../cgroup/freezer.ts") = require("../cgroup/freezer.ts");
  thawAll(cgroups);
}

/** Few containers have somebody else's pid namespace. */
function signalEveryone(): typeof import("./signal-everyone.ts").signalEveryone {
  const file: typeof import("./signal-everyone.ts") = require("./signal-everyone.ts");
  return file.signalEveryone;
}

function notRunning(status: Status): StateError {
  return new StateError(
    status === "creating" ? "container not running: it is being created" : "container not running",
  );
}
