// kill: a signal for the container's processes (runtime.md#kill).

import { cgroupPids } from "../cgroup/manager.ts";
import { StateError, SyscallError } from "../errors.ts";
import type { Place } from "../store/directory.ts";
import { type ContainerRecord, readRecord } from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { openPidfd, SIGKILL, trySignal } from "../sys/process.ts";
import { holdProcess, statusOf } from "./status.ts";

export interface KillOptions extends Place {
  signal: number;
  /** Every process of the container; of one that has stopped, it is no error that there is none. */
  all: boolean;
}

const ESRCH = 3;

/** @throws StateError when it is neither created nor running */
export function kill(options: KillOptions): void {
  const record = readRecord(options);
  const status = statusOf(options, record);
  const pidfd = record?.init && status !== "creating" ? holdProcess(record.init) : undefined;
  if (record === undefined || pidfd === undefined) {
    if (status === "stopped" && options.all) return;
    throw notRunning(status);
  }
  const result = trySignal(pidfd, options.signal);
  closeFd(pidfd);
  if (result === -ESRCH) throw notRunning("stopped");
  if (result < 0) throw new SyscallError(`pidfd_send_signal(${options.signal})`, -result);
  if (options.all || (options.signal === SIGKILL && !record.ownPidNamespace)) {
    signalOthers(record, options.signal);
  }
}

/** The other processes of the container's cgroups: without a pid namespace they outlive init. */
export function signalOthers({ cgroups, init }: ContainerRecord, signal: number): void {
  const pids = new Set(cgroups.flatMap(cgroupPids));
  for (const pid of pids) {
    if (pid === init?.pid) continue;
    const pidfd = openPidfd(pid);
    if (pidfd === undefined) continue;
    trySignal(pidfd, signal);
    closeFd(pidfd);
  }
}

function notRunning(status: string): StateError {
  return new StateError(
    status === "creating" ? "container not running: it is being created" : "container not running",
  );
}
