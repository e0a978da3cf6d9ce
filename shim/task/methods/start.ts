// Start: the word to go for a container's init, or a process that Exec has announced.

import { MissingError, RuntimeError } from "../../../runtime/errors.ts";
import {
  beginProgram,
  beginTaped,
  type ExecOptions,
  execProgram,
  type PreparedExec,
  prepareExec,
  waitsForNobody,
} from "../../../runtime/lifecycle/exec.ts";
import { beginStart, start as startContainer } from "../../../runtime/lifecycle/start.ts";
import { statusOf } from "../../../runtime/lifecycle/status.ts";
import { readRecord } from "../../../runtime/store/record.ts";
import { SIGKILL, trySignal } from "../../../runtime/sys/process.ts";
import { fdsOf, openStreams, type Streams } from "../../io/streams.ts";
import { becomeStreams, hearOut, madeOf, makeHere } from "../../make-here.ts";
import { TASK } from "../../proto/task.ts";
import { timestampNow } from "../../timestamp.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { type Failure, failureOf, isFailure, type Made } from "../../worker.ts";
import { isEnding } from "../exit-order.ts";
import { ended, killOthers, release, settle } from "../exits.ts";
import { hostFacts } from "../host-facts.ts";
import { execOf, type House, statusOfFailure, taskMethod, taskOf, wordFor } from "../house.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";
import type { Exec, Task, TaskProcess } from "../task.ts";
import { startPump } from "./create.ts";

export const start = taskMethod(TASK.Start, (house, { id, execId }, call) => {
  const task = taskOf(house, id);
  if (execId === "") startInit(house, task, call);
  else startExec(house, { task, exec: execOf(task, execId) }, call);
});

interface Answering {
  answer(response: { pid: number }): void;
  refuse(error: StatusError): void;
}

function startInit(house: House, task: Task, call: Answering): void {
  const { id, root, init } = task;
  requireCreated(task, init);
  init.state = "starting";
  const give = (failure: Failure | undefined): void => {
    init.state = failure !== undefined && waitsForStart(task) ? "created" : "running";
    if (failure !== undefined) {
      call.refuse(statusOfFailure(failure, "OCI runtime start failed"));
    } else {
      house.publisher.publish("/tasks/start", { containerId: id, pid: init.pid });
      call.answer({ pid: init.pid });
    }
    settle(house, task);
  };
  const options = {
    root,
    id,
    environment: runtimeEnvironment(house.environment),
    log: house.log.with({ id }),
  };
  if (!task.startsAtOnce) house.workers.run(() => startContainer(options), give);
  else {
    const begin = () => beginStart(options);
    hearOut(house.loop, begin, (outcome) => give(isFailure(outcome) ? outcome : undefined));
  }
}

/** Whether a start that failed, or was killed, can be tried again. */
function waitsForStart({ root, id, init }: Task): boolean {
  if (init.ending !== undefined) return false;
  try {
    return statusOf({ root, id }, readRecord({ root, id })) === "created";
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    // A hook that failed has been the end of it; what else is wrong may pass.
    return !(error instanceof MissingError);
  }
}

function requireCreated(task: Task, process: TaskProcess): void {
  const now = wordFor(task, process);
  if (now !== "created") throw new StatusError("unknown", `cannot start a ${now} process`);
}

interface Place {
  task: Task;
  exec: Exec;
}

function startExec(house: House, { task, exec }: Place, call: Answering): void {
  const { id, isPaused } = task;
  if (isEnding(task)) {
    throw new StatusError("failed precondition", `container ${id} init process is not running`);
  }
  requireCreated(task, exec);
  if (isPaused) throw new StatusError("unknown", "cannot exec in a paused state");
  const owner = { uid: task.options.ioUid, gid: task.options.ioGid };
  const log = house.log.with({ id, exec: exec.execId });
  const streams = openStreams(exec.names, { ...house, log, id: exec.execId, owner });
  if (exec.isStdinClosed) streams.closeStdin();
  exec.streams = streams;
  exec.state = "starting";
  const place = { task, exec, streams };
  const give = (outcome: Made | Failure): void => {
    if (isFailure(outcome)) {
      fail(exec, streams);
      const refusal = statusOfFailure(outcome, "OCI runtime exec failed");
      streams.whenDrained(() => call.refuse(refusal));
    } else {
      begin(house, place, outcome);
      call.answer({ pid: outcome.pid });
    }
    settle(house, task);
  };
  streams.whenReady((failure) => {
    if (failure === undefined) house.loop.inTurn(() => make(house, place, give));
    else give({ kind: "failed", text: failure });
  });
}

function make(
  house: House,
  place: Place & { streams: Streams },
  give: (outcome: Made | Failure) => void,
): void {
  const options = execOptions(house, place);
  let prepared: PreparedExec;
  try {
    // Not by the worker: here all of that has been loaded and executed before.
    prepared = prepareExec({ ...options, facts: hostFacts(place.task) });
  } catch (error) {
    give(failureOf(error));
    return;
  }
  const program = { options, prepared, streams: place.streams };
  if (waitsForNobody(prepared)) startHere(house, program, give);
  else startByWorker(house, program, give);
}

interface Program {
  options: ExecOptions;
  prepared: PreparedExec;
  streams: Streams;
}

/** By a tape, or without one if that is not possible. */
function startHere(
  house: House,
  { options, prepared, streams: { ends } }: Program,
  give: (outcome: Made | Failure) => void,
): void {
  const make = (way: typeof beginProgram, done: typeof give): void => {
    const begin = () => way(options, prepared);
    makeHere(house, { ends, terminal: false, begin }, done);
  };
  make(beginTaped, (outcome) => {
    if (!isFailure(outcome) || outcome.kind !== "untaped") {
      give(outcome);
      return;
    }
    options.log.debug(`no tape: ${outcome.text}`);
    make(beginProgram, give);
  });
}

function startByWorker(
  { workers }: House,
  { options, prepared, streams }: Program,
  give: (outcome: Made | Failure) => void,
): void {
  const make = (recorderFile: number): Made => {
    if (!options.process.terminal) becomeStreams(streams.ends);
    return madeOf(execProgram(options, prepared, { asSibling: true, recorderFile }));
  };
  const fds = options.process.terminal ? [] : fdsOf(streams.ends);
  workers.make({ make, fds }, give);
}

function execOptions({ log, environment }: House, { task, exec }: Place): ExecOptions {
  const { id, root } = task;
  return {
    root,
    id,
    process: { text: exec.spec, terminal: exec.names.terminal },
    detach: false,
    preserveFds: 0,
    cgroups: [],
    ignorePaused: false,
    environment: runtimeEnvironment(environment),
    log: log.with({ id, exec: exec.execId }),
  };
}

function begin(
  house: House,
  { task, exec, streams }: Place & { streams: Streams },
  made: Made,
): void {
  exec.pid = made.pid;
  exec.pidfd = made.pidfd;
  exec.state = "running";
  if (made.console === undefined) streams.handOver();
  else exec.terminal = startPump(house, made.console, streams);
  house.publisher.publish("/tasks/exec-started", {
    containerId: task.id,
    execId: exec.execId,
    pid: exec.pid,
  });
  house.children.whenEnded(made, (ending) => ended(house, { task, process: exec }, ending));
  // Init's end has been seen meanwhile, and waits for this one's.
  if (isEnding(task)) trySignal(made.pidfd, SIGKILL);
  killOthers(house, task);
}

/** It stays listed, without a pid, until it is deleted; whoever waits for it need not. */
function fail(exec: Exec, streams: Streams): void {
  streams.handOver();
  streams.close();
  exec.streams = undefined;
  release(exec, { status: 0, at: timestampNow() });
}
