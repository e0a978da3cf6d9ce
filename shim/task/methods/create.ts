// Create: a container, up to where its program would be executed.

import { RuntimeError } from "../../../runtime/errors.ts";
import { containerId } from "../../../runtime/lifecycle/container-id.ts";
import {
  abandonCreate,
  beginCreate,
  type CreateOptions,
  create as createContainer,
  isCreateAtOnce,
  prepareCreate,
} from "../../../runtime/lifecycle/create.ts";
import type { Prepared } from "../../../runtime/lifecycle/plan.ts";
import { isStartAtOnce } from "../../../runtime/lifecycle/start.ts";
import { readRecord } from "../../../runtime/store/record.ts";
import { fdsOf, openStreams, type Streams } from "../../io/streams.ts";
import { pumpTerminal } from "../../io/terminal.ts";
import { becomeStreams, madeOf, makeHere } from "../../make-here.ts";
import { type AnyMessage, optionsFrom, type ShimOptions } from "../../options.ts";
import type { ValueOf } from "../../proto/message.ts";
import { type CreateTaskRequest, TASK } from "../../proto/task.ts";
import { isMountedAtOnce, type Rootfs, rootfsOf } from "../../rootfs.ts";
import { type RootfsMount, rootfsMounts } from "../../rootfs-mount.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { closeMade, type Failure, failureOf, isFailure, type Made } from "../../worker.ts";
import { removeRecord, writeTask } from "../exit-record.ts";
import { ended, settle } from "../exits.ts";
import { hostFacts } from "../host-facts.ts";
import { type House, statusOfFailure, taskMethod } from "../house.ts";
import { watchForOom } from "../oom.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";
import { newProcess, type Task } from "../task.ts";
import { undo } from "./delete.ts";

const FAILED = "OCI runtime create failed";

/** The shim rests in the pause after it: it has needed much memory, and it may be the last call for long. */
const CREATE_WORK = 100;

export const create = taskMethod(TASK.Create, (house, request, call) => {
  const { tasks } = house;
  const { rootfs, terminal } = request;
  const id = requireId(request.id);
  if (tasks.has(id)) throw new StatusError("already exists", `container ${id}: already exists`);
  if (request.checkpoint !== "") {
    throw new StatusError("unimplemented", "restoring a checkpoint is not implemented");
  }
  const mounts = rootfsMounts(rootfs);
  const task = newTask(house, request, mounts);
  house.loop.tire(CREATE_WORK);
  const log = house.log.with({ id });
  const streams = openStreams(task.init.names, { ...house, log, id, owner: ownerOf(task) });
  task.init.streams = streams;
  tasks.set(id, task);
  writeTask(house, task);
  const refuse = (failure: Failure, cleanUp?: () => void): void => {
    const tell = (): void => call.refuse(statusOfFailure(failure, FAILED));
    streams.handOver();
    streams.close();
    streams.whenDrained(() => fail(house, { task, cleanUp }, tell));
  };
  const give: Give = (outcome, cleanUp) => {
    if (isFailure(outcome)) {
      refuse(outcome, cleanUp);
      return;
    }
    try {
      begin(house, task, { made: outcome, streams });
    } catch (error) {
      closeMade(outcome);
      refuse(failureOf(error), () => undo(house, task));
      return;
    }
    house.publisher.publish("/tasks/create", {
      containerId: id,
      bundle: task.bundle,
      rootfs,
      io: { ...task.init.names, terminal },
      pid: outcome.pid,
    });
    call.answer({ pid: outcome.pid });
    for (const tell of task.whenMade) tell();
    settle(house, task);
  };
  streams.whenReady((failure) => {
    if (failure === undefined)
      house.loop.inTurn(() => make(house, { task, mounts, streams }, give));
    else refuse({ kind: "failed", text: failure });
  });
});

/** It names folders. */
function requireId(id: string): string {
  try {
    return containerId(id);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new StatusError("invalid argument", error.message);
  }
}

interface Container {
  task: Task;
  mounts: readonly RootfsMount[];
  streams: Streams;
}

/** With a failure, what takes back what is left of it; that may take its time. */
type Give = (outcome: Made | Failure, cleanUp?: () => void) => void;

/** Here, where all of it has been done before and is fast, unless something in it may wait. */
function make(house: House, { task, mounts, streams }: Container, give: Give): void {
  const options = createOptions(house, task);
  const rootfs = rootfsOf(mounts, `${task.bundle}/rootfs`);
  if (options.systemdCgroup || !isMountedAtOnce(mounts)) {
    makeByWorker(house, { task, streams, options, rootfs }, give);
    return;
  }
  let prepared: Prepared;
  try {
    rootfs.mount();
    prepared = prepareCreate({ ...options, facts: hostFacts(task) });
  } catch (error) {
    give(failureOf(error), rootfs.takeBack);
    return;
  }
  if (!isCreateAtOnce(prepared)) {
    makeByWorker(house, { task, streams, options, rootfs, prepared }, give);
    return;
  }
  let isBegun = false;
  const begin = () => {
    const underway = beginCreate(options, prepared);
    isBegun = true;
    return underway;
  };
  const cleanUp = (): void => {
    if (isBegun) abandonCreate(options, prepared);
    rootfs.takeBack();
  };
  const { ends } = streams;
  const { terminal } = task.init.names;
  makeHere(house, { ends, terminal, begin }, (outcome) => give(outcome, cleanUp));
}

interface Work {
  task: Task;
  streams: Streams;
  options: CreateOptions;
  rootfs: Rootfs;
  /** Of a root filesystem that is mounted. */
  prepared?: Prepared;
}

function makeByWorker(
  house: House,
  { task, streams, options, rootfs, prepared }: Work,
  give: Give,
): void {
  const { terminal } = task.init.names;
  const run = (recorderFile: number): Made => {
    if (!terminal) becomeStreams(streams.ends);
    try {
      if (prepared === undefined) rootfs.mount();
      return madeOf(createContainer({ ...options, asSibling: true, recorderFile }, prepared));
    } catch (error) {
      rootfs.takeBack();
      throw error;
    }
  };
  // Those of a terminal are the pump's.
  const fds = terminal ? [] : fdsOf(streams.ends);
  house.workers.make({ make: run, fds }, (outcome) => {
    // One that was killed could not see to that.
    const isLost = isFailure(outcome) && outcome.kind === "lost";
    give(outcome, isLost ? () => undo(house, task) : undefined);
  });
}

/** Nothing is left of it. */
function fail(
  house: House,
  { task, cleanUp }: { task: Task; cleanUp: (() => void) | undefined },
  tell: () => void,
): void {
  const { tasks, workers, log } = house;
  const finish = (): void => {
    tasks.delete(task.id);
    removeRecord(task);
    tell();
    for (const tellOther of task.whenMade) tellOther();
  };
  if (cleanUp === undefined) {
    finish();
    return;
  }
  workers.run(cleanUp, (left) => {
    if (left !== undefined) log.with({ id: task.id }).warn(`cannot clean up: ${left.text}`);
    finish();
  });
}

function newTask(
  house: House,
  request: ValueOf<typeof CreateTaskRequest>,
  mounts: readonly RootfsMount[],
): Task {
  const { id, bundle, stdin, stdout, stderr, terminal } = request;
  const options = requireOptions(request.options, house.log.with({ id }).warn);
  const rootfs = `${bundle}/rootfs`;
  return {
    id,
    bundle,
    options,
    root: `${options.root || "/run/containerd/runt"}/${house.namespace}`,
    init: newProcess("", { stdin, stdout, stderr, terminal }),
    execs: new Map(),
    mounts: mounts.every(({ target }) => target === "") ? mounts.map(() => rootfs) : undefined,
    startsAtOnce: false,
    ownPidNamespace: true,
    isPaused: false,
    oomWatch: undefined,
    whenMade: new Set(),
    removers: new Set(),
  };
}

function requireOptions(any: AnyMessage | undefined, warn: (text: string) => void): ShimOptions {
  try {
    return optionsFrom(any, warn);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new StatusError("invalid argument", error.message);
  }
}

function ownerOf({ options }: Task): { uid: number; gid: number } {
  return { uid: options.ioUid, gid: options.ioGid };
}

function createOptions({ log, environment }: House, task: Task): CreateOptions {
  const { id, root, bundle, options, init } = task;
  return {
    root,
    id,
    bundle,
    strict: false,
    noPivot: options.noPivotRoot,
    systemdCgroup: options.systemdCgroup,
    preserveFds: 0,
    noNewKeyring: options.noNewKeyring,
    console: { kind: init.names.terminal ? "foreground" : "none" },
    environment: runtimeEnvironment(environment),
    log: log.with({ id }),
  };
}

/** What may fail comes first: who has been made is the task's from then on. */
function begin(
  house: House,
  task: Task,
  { made, streams }: { made: Made; streams: Streams },
): void {
  const { init, root, id } = task;
  const record = readRecord({ root, id });
  task.ownPidNamespace = record?.ownPidNamespace ?? true;
  task.startsAtOnce = record !== undefined && isStartAtOnce(record);
  init.pid = made.pid;
  init.pidfd = made.pidfd;
  init.state = "created";
  if (made.console === undefined) streams.handOver();
  else init.terminal = startPump(house, made.console, streams);
  writeTask(house, task);
  if (record !== undefined) watchForOom(house, task, record);
  house.children.whenEnded(made, (ending) => ended(house, { task, process: init }, ending));
}

/** The pump takes what the process would have. */
export function startPump({ loop }: House, master: number, { ends }: Streams) {
  const [input, output] = [ends.stdin, ends.stdout];
  ends.stdin = undefined;
  ends.stdout = undefined;
  return pumpTerminal(loop, { master, input, output });
}
