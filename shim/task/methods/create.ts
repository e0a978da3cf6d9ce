// Create: a container, up to where its program would be executed.

import { RuntimeError } from "../../../runtime/errors.ts";
import { containerId } from "../../../runtime/lifecycle/container-id.ts";
import { create as createContainer } from "../../../runtime/lifecycle/create.ts";
import { containerRoot } from "../../../runtime/lifecycle/exec.ts";
import { readRecord } from "../../../runtime/store/record.ts";
import { closeFd, duplicateTo, O_RDWR, open } from "../../../runtime/sys/file.ts";
import { type Ends, openStreams, type Streams } from "../../io/streams.ts";
import { pumpTerminal } from "../../io/terminal.ts";
import { type AnyMessage, optionsFrom, type ShimOptions } from "../../options.ts";
import type { ValueOf } from "../../proto/message.ts";
import { type CreateTaskRequest, TASK } from "../../proto/task.ts";
import { withRootfs } from "../../rootfs.ts";
import { rootfsMounts } from "../../rootfs-mount.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { type Failure, isFailure, type Made } from "../../worker.ts";
import { removeRecord, writeTask } from "../exit-record.ts";
import { ended, settle } from "../exits.ts";
import { type House, statusOfFailure, taskMethod } from "../house.ts";
import { watchForOom } from "../oom.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";
import { newProcess, type Task } from "../task.ts";
import { undo } from "./delete.ts";

const FAILED = "OCI runtime create failed";

export const create = taskMethod(TASK.Create, (house, request, call) => {
  const { tasks, workers } = house;
  const { rootfs, terminal } = request;
  const id = requireId(request.id);
  if (tasks.has(id)) throw new StatusError("already exists", `container ${id}: already exists`);
  if (request.checkpoint !== "") {
    throw new StatusError("unimplemented", "restoring a checkpoint is not implemented");
  }
  const mounts = rootfsMounts(rootfs);
  const task = newTask(house, request);
  const log = house.log.with({ id });
  const streams = openStreams(task.init.names, { ...house, log, id, owner: ownerOf(task) });
  task.init.streams = streams;
  tasks.set(id, task);
  writeTask(house, task);
  const run = (recorderFile: number): Made =>
    withRootfs(mounts, `${task.bundle}/rootfs`, () =>
      make(house, { task, ends: streams.ends, recorderFile }),
    );
  // Those of a terminal are the pump's.
  const fds = terminal ? [] : fdsOf(streams.ends);
  const give = (outcome: Made | Failure): void => {
    if (isFailure(outcome)) {
      const refuse = (): void => call.refuse(statusOfFailure(outcome, FAILED));
      streams.handOver();
      streams.close();
      streams.whenDrained(() => fail(house, { task, failure: outcome }, refuse));
      return;
    }
    begin(house, task, { made: outcome, streams });
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
    if (failure === undefined) workers.make({ make: run, fds }, give);
    else give({ kind: "failed", text: failure });
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

/** Nothing is left of it; a worker that was killed could not see to that. */
function fail(house: House, { task, failure }: { task: Task; failure: Failure }, tell: () => void) {
  const { tasks, workers, log } = house;
  const finish = (): void => {
    tasks.delete(task.id);
    removeRecord(task);
    tell();
    for (const tellOther of task.whenMade) tellOther();
  };
  if (failure.kind !== "lost") {
    finish();
    return;
  }
  workers.run(
    () => undo(house, task),
    (left) => {
      if (left !== undefined) log.with({ id: task.id }).warn(`cannot clean up: ${left.text}`);
      finish();
    },
  );
}

function newTask(house: House, request: ValueOf<typeof CreateTaskRequest>): Task {
  const { id, bundle, stdin, stdout, stderr, terminal } = request;
  const options = requireOptions(request.options, house.log.with({ id }).warn);
  return {
    id,
    bundle,
    options,
    root: `${options.root || "/run/containerd/runt"}/${house.namespace}`,
    init: newProcess("", { stdin, stdout, stderr, terminal }),
    execs: new Map(),
    ownPidNamespace: true,
    containerRoot: undefined,
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

/** In the worker. */
function make(
  { log, environment }: House,
  { task, ends, recorderFile }: { task: Task; ends: Ends; recorderFile: number },
): Made {
  const { id, root, bundle, options, init } = task;
  if (!init.names.terminal) becomeStreams(ends);
  const { init: made, slots } = createContainer({
    root,
    id,
    bundle,
    strict: false,
    noPivot: options.noPivotRoot,
    systemdCgroup: options.systemdCgroup,
    preserveFds: 0,
    noNewKeyring: options.noNewKeyring,
    console: { kind: init.names.terminal ? "foreground" : "none" },
    asSibling: true,
    recorderFile,
    environment: runtimeEnvironment(environment),
    log: log.with({ id }),
  });
  return slots.has("$console") ? { ...made, console: slots.take("$console") } : made;
}

/** The standard streams of this process, which what it makes inherits. */
export function takeStreams({ stdin, stdout, stderr }: Ends): void {
  const nothing = open("/dev/null", O_RDWR);
  for (const [to, fd] of [stdin, stdout, stderr].entries()) duplicateTo(fd ?? nothing, to);
  closeFd(nothing);
}

/** As takeStreams, for good: what a worker makes has no others. */
export function becomeStreams(ends: Ends): void {
  takeStreams(ends);
  for (const fd of fdsOf(ends)) closeFd(fd);
}

export function fdsOf(ends: Ends): number[] {
  return Object.values(ends).filter((fd) => fd !== undefined);
}

function begin(
  house: House,
  task: Task,
  { made, streams }: { made: Made; streams: Streams },
): void {
  const { init, root, id } = task;
  init.pid = made.pid;
  init.pidfd = made.pidfd;
  init.state = "created";
  task.containerRoot = containerRoot(made.pid);
  task.ownPidNamespace = readRecord({ root, id })?.ownPidNamespace ?? true;
  if (made.console === undefined) streams.handOver();
  else init.terminal = startPump(house, made.console, streams);
  writeTask(house, task);
  watchForOom(house, task);
  house.children.whenEnded(made, (ending) => ended(house, { task, process: init }, ending));
}

/** The pump takes what the process would have. */
export function startPump({ loop }: House, master: number, { ends }: Streams) {
  const [input, output] = [ends.stdin, ends.stdout];
  ends.stdin = undefined;
  ends.stdout = undefined;
  return pumpTerminal(loop, { master, input, output });
}
