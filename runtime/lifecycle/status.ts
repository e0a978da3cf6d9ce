// Status of a container, asked of the kernel: is init there, is it the same init, does it still
// wait for start, is it frozen.

import { frozen } from "../cgroup/frozen.ts";
import { START_SOCKET } from "../ops/start.ts";
import { openDirectory, type Place } from "../store/directory.ts";
import type { ContainerRecord, ProcessIdentity } from "../store/record.ts";
import { closeFd, readFile } from "../sys/file.ts";
import { openPidfd, processStat } from "../sys/process.ts";
import { tryConnectAt } from "../sys/socket.ts";

export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** What a container does right now. */
export function statusOf(place: Place, record: ContainerRecord | undefined): Status {
  if (record?.init === undefined) {
    return record !== undefined && isAlive(record.creator) ? "creating" : "stopped";
  }
  if (!isAlive(record.init)) return "stopped";
  if (record.phase === "creating") return isAlive(record.creator) ? "creating" : "stopped";
  if (frozen(record.cgroups)) return "paused";
  return waitsForStart(place) ? "created" : "running";
}

/** Whether a process is there, is not a zombie, and is the one that was meant. */
export function isAlive({ pid, startTime, boot }: ProcessIdentity): boolean {
  const stat = processStat(pid);
  if (stat === undefined || stat.startTime !== startTime || /[ZXx]/.test(stat.state)) return false;
  return boot === undefined || boot === bootId();
}

/**
 * A pidfd of the process that was meant, or undefined if it is gone. The start time is looked at
 * after the pidfd is held, so the pid cannot pass to another process in between.
 */
export function holdProcess(identity: ProcessIdentity): number | undefined {
  const pidfd = openPidfd(identity.pid);
  if (pidfd === undefined) return undefined;
  if (isAlive(identity)) return pidfd;
  closeFd(pidfd);
  return undefined;
}

/** Identity of a living process. */
export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTime: processStat(pid)?.startTime ?? "", boot: bootId() };
}

let thisBoot: string | undefined;

/** A name of the time since the machine was started (random(4)). */
function bootId(): string {
  thisBoot ??= readFile("/proc/sys/kernel/random/boot_id").trim();
  return thisBoot;
}

/** Init listens until it gets the word to go; who only looks says nothing. */
function waitsForStart(place: Place): boolean {
  const directory = openDirectory(place);
  try {
    const socket = tryConnectAt(directory, START_SOCKET);
    if (socket < 0) return false;
    closeFd(socket);
    return true;
  } finally {
    closeFd(directory);
  }
}
