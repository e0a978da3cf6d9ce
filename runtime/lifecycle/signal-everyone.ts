// A signal for every process of a container's cgroups, so that none gets away by forking meanwhile:
// by cgroup.kill where there is a hierarchy of v2, or while all of them are frozen.

import { exists, writeControl } from "../cgroup/files.ts";
import { freeze, thaw, thawAll } from "../cgroup/freezer.ts";
import { frozen } from "../cgroup/frozen.ts";
import { cgroupPids } from "../cgroup/manager.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import type { ContainerRecord } from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { getPid, openPidfd, SIGKILL, trySignal } from "../sys/process.ts";
import { holdProcess } from "./status.ts";

type Target = Pick<ContainerRecord, "cgroups" | "init">;

/** How often the cgroups are read again, where they cannot be frozen and nobody may be missed. */
const ROUNDS_MAX = 100;

/** Signals init and all other processes of the container; false when there was none. */
export function signalEveryone(target: Target, signal: number): boolean {
  return signal === SIGKILL ? killEveryone(target) : signalAtRest(target, signal);
}

/** Ends with all of them having a SIGKILL that they can take. */
function killEveryone(target: Target): boolean {
  const { cgroups } = target;
  const wasAny = cgroups.some((one) => cgroupPids(one).length > 0);
  const isAtRest = tryKillFile(cgroups) || frozen(cgroups) || tryFreeze(cgroups);
  let isAny = signalAll(target, SIGKILL) || wasAny;
  thawAll(cgroups);
  for (let round = 0; !isAtRest && round < ROUNDS_MAX && signalAll(target, SIGKILL); round++) {
    isAny = true;
    Bun.sleepSync(1);
  }
  return isAny;
}

/**
 * cgroup.kill: whoever forks meanwhile is killed as well. It does not reach those that have left for
 * another cgroup of v2 and are still in those of v1. Linux 5.14.
 */
function tryKillFile(cgroups: readonly string[]): boolean {
  const file = cgroups.map((one) => `${one}/cgroup.kill`).find(exists);
  if (file === undefined) return false;
  try {
    writeControl(file, "1");
    return true;
  } catch (error) {
    // Not the caller's: the processes in it may be.
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/** A container that was paused stays so, and its processes take the signal when they go on. */
function signalAtRest(target: Target, signal: number): boolean {
  const { cgroups } = target;
  const isOurs = !frozen(cgroups) && tryFreeze(cgroups);
  try {
    return signalAll(target, signal);
  } finally {
    if (isOurs) thaw(cgroups);
  }
}

/** Without a cgroup that can be frozen the signal goes out all the same. */
function tryFreeze(cgroups: readonly string[]): boolean {
  try {
    freeze(cgroups);
    return true;
  } catch (error) {
    if (error instanceof RuntimeError) return false;
    throw error;
  }
}

/** Returns whether there was anyone. */
function signalAll({ cgroups, init }: Target, signal: number): boolean {
  const pids = new Set(cgroups.flatMap(cgroupPids));
  const pidfds = [...pids].filter((pid) => pid !== getPid() && pid !== init?.pid).map(openPidfd);
  // A container without a cgroup of its own has init all the same.
  if (init !== undefined) pidfds.push(holdProcess(init));
  let isAny = false;
  for (const pidfd of pidfds) {
    if (pidfd === undefined) continue;
    if (trySignal(pidfd, signal) === 0) isAny = true;
    closeFd(pidfd);
  }
  return isAny;
}
