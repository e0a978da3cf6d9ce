// delete: what create made is undone (runtime.md#delete).

import { frozen } from "../cgroup/frozen.ts";
import { undoPlan } from "../engine/run.ts";
import { MissingError, RuntimeError, StateError } from "../errors.ts";
import type { Log } from "../log.ts";
import { opFromJournal } from "../ops/undoable.ts";
import { lockDirectory, type Place, removeDirectory } from "../store/directory.ts";
import {
  type ContainerRecord,
  type ProcessIdentity,
  type Remains,
  readRecord,
  salvageRecord,
} from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { SIGKILL, trySignal } from "../sys/process.ts";
import { POLLIN, poll } from "../sys/signal.ts";
import { tryHooks } from "./hooks.ts";
import { letDie } from "./kill.ts";
import { holdProcess, statusOf } from "./status.ts";

export interface DeleteOptions extends Place {
  force: boolean;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
}

/** How long a killed process may take to end, as runc waits. */
const END_TIMEOUT_MS = 10_000;
/** How long a create that has lost its init may take to undo itself. */
const CREATOR_TIMEOUT_MS = 2_000;
/** @throws StateError when there is no such container, or it has not stopped and force is off */
export function deleteContainer(options: DeleteOptions): void {
  let lock: number | undefined;
  try {
    lock = lockDirectory(options);
    removeLocked(options);
  } catch (error) {
    // With --force, that it is gone is what was asked for, whoever did it.
    if (!(options.force && error instanceof MissingError)) throw error;
  } finally {
    if (lock !== undefined) closeFd(lock);
  }
}

function removeLocked(options: DeleteOptions): void {
  let found: ContainerRecord | undefined;
  try {
    found = readRecord(options);
  } catch (error) {
    const isMissing = error instanceof MissingError;
    if (!options.force || isMissing || !(error instanceof RuntimeError)) throw error;
    options.log.warn(error.message);
    takeBack(salvageRecord(options), options);
    return;
  }
  removeKnown(found, options);
}

function removeKnown(found: ContainerRecord | undefined, options: DeleteOptions): void {
  const status = statusOf(options, found);
  if (status !== "stopped" && !options.force) {
    throw new StateError(`cannot delete container ${options.id} that is not stopped: ${status}`);
  }
  const record = found?.phase === "creating" ? endCreation(found, options) : found;
  takeBack(record, options);
  if (record === undefined) return;
  const { hooks, annotations, bundle } = record;
  const { id, environment, log } = options;
  tryHooks(
    {
      kind: "poststop",
      hooks: { hooks, ...(annotations && { annotations }) },
      id,
      bundle,
      status: "stopped",
      pid: 0,
      environment,
    },
    (text) => log.warn(text),
  );
}

/** Ends what is left of a container, undoes what it did to the host, and removes its folder. */
function takeBack(remains: Remains | undefined, options: DeleteOptions): void {
  if (remains?.init && !end(remains.init, remains))
    throw new RuntimeError("container init still running");
  if (remains !== undefined) undo(remains, options.log);
  removeDirectory(options);
}

/**
 * Ends a create that is still at it. Without its init it fails and undoes itself; it may also just
 * have come to its end; one that waits for a hook is killed. Only then its record says all.
 */
function endCreation(found: ContainerRecord, options: DeleteOptions): ContainerRecord | undefined {
  if (found.init) end(found.init, found);
  const creator = found.creatorServes ? undefined : holdProcess(found.creator);
  if (creator !== undefined) {
    if (!hasEnded(creator, CREATOR_TIMEOUT_MS)) end(found.creator, { cgroups: [] });
    closeFd(creator);
  }
  return readRecord(options);
}

/** Kills a process and waits for its end; true when it is gone. */
function end(identity: ProcessIdentity, { cgroups }: Pick<ContainerRecord, "cgroups">): boolean {
  const pidfd = holdProcess(identity);
  if (pidfd === undefined) return true;
  trySignal(pidfd, SIGKILL);
  if (frozen(cgroups)) letDie({ cgroups });
  const ended = hasEnded(pidfd, END_TIMEOUT_MS);
  closeFd(pidfd);
  return ended;
}

function hasEnded(pidfd: number, timeoutMs: number): boolean {
  return poll([{ fd: pidfd, events: POLLIN }], timeoutMs)[0] !== 0;
}

/** @throws RuntimeError with what stays: the record stays as well, so that delete can be tried again. */
function undo(remains: Remains, log: Log): void {
  // A pid namespace of its own has ended with init; otherwise the cgroups tell who is left.
  if (!remains.ownPidNamespace) {
    const others: typeof import("./signal-everyone.ts") = require("./signal-everyone.ts");
    others.signalEveryone(remains, SIGKILL);
  }
  const ops = remains.journal.flatMap((entry) => {
    const op = opFromJournal(entry);
    if (op === undefined) log.warn(`undo ${entry.op}: this release does not know it`);
    return op ?? [];
  });
  const left: string[] = [];
  undoPlan(
    ops,
    (text) => left.push(text),
    log.debugs ? (op, micros) => log.debug(`undo ${op}`, { op: `undo ${op}`, micros }) : undefined,
  );
  if (left.length > 0) throw new RuntimeError(`the container is not gone: ${left.join("; ")}`);
}
