// The removal of a container by one that serves others: what may take its time is called aside.

import { aside } from "../engine/aside.ts";
import { EINVAL, ENOENT } from "../errno.ts";
import type { Removed } from "../ops/op.ts";
import { opFromJournal } from "../ops/undoable.ts";
import { type Place, removeDirectory, tryLockDirectory } from "../store/directory.ts";
import { readRecord } from "../store/record.ts";
import { removing, unmounting } from "../sys/aside.ts";
import { closeFd } from "../sys/file.ts";
import type { Cloned } from "../sys/process.ts";
import { isAlive } from "./status.ts";

export interface Removal {
  /** Makes the calls; the caller reaps it. */
  process: Cloned;
  /** When that has ended: removes the rest. False if something stays, for `deleteContainer`. */
  finish(): boolean;
}

/**
 * Begins to remove a container that has stopped. Undefined where that takes more than a few calls, or
 * somebody else is at it: for `deleteContainer`.
 *
 * @param mounts paths that are to be unmounted too, in order
 */
export function beginRemoval(place: Place, mounts: readonly string[]): Removal | undefined {
  const lock = tryLockDirectory(place);
  if (lock === undefined) return undefined;
  try {
    const removed = directoriesOf(place);
    if (removed !== undefined) return begin(place, { lock, removed, mounts });
  } catch (error) {
    closeFd(lock);
    throw error;
  }
  closeFd(lock);
  return undefined;
}

/** What there is to remove besides its folder, if that is no more than directories. */
function directoriesOf(place: Place): Removed[] | undefined {
  const record = readRecord(place);
  if (record?.init === undefined || isAlive(record.init)) return undefined;
  if (!record.ownPidNamespace || record.hooks.poststop !== undefined) return undefined;
  const all: Removed[] = [];
  for (const entry of record.journal.toReversed()) {
    const removed = opFromJournal(entry)?.removes;
    if (removed === undefined) return undefined;
    all.push(...removed);
  }
  return all;
}

interface Work {
  lock: number;
  removed: readonly Removed[];
  mounts: readonly string[];
}

function begin(place: Place, { lock, removed, mounts }: Work): Removal {
  const { pid, pidfd, results } = aside([
    ...removed.map(({ directory }) => removing(directory)),
    ...mounts.map(unmounting),
  ]);
  return {
    process: { pid, pidfd },
    finish() {
      closeFd(pidfd);
      try {
        const isGone = results().every(
          (result, index) => result === 0 || result === -ENOENT || mayFail(index, result),
        );
        if (isGone) removeDirectory(place);
        return isGone;
      } finally {
        closeFd(lock);
      }
    },
  };

  /** Where others use it, or nothing is mounted. */
  function mayFail(index: number, result: number): boolean {
    const directory = removed[index];
    return directory === undefined ? result === -EINVAL : directory.mayStay;
  }
}
