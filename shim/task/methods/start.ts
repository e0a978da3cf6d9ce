// Start: the word to go for a container's init, or a process that Exec has announced.

import { type ExecOptions, execProgram } from "../../../runtime/lifecycle/exec.ts";
import { start as startContainer } from "../../../runtime/lifecycle/start.ts";
import { openStreams, type Streams } from "../../io/streams.ts";
import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import type { Made } from "../../worker.ts";
import { ended, settle } from "../exits.ts";
import { execOf, type House, statusOfFailure, taskMethod, taskOf } from "../house.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";
import type { Exec, Task } from "../task.ts";
import { startPump, takeStreams } from "./create.ts";

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
  requireCreated(task, init.state);
  init.state = "starting";
  const run = (): undefined => {
    startContainer({
      root,
      id,
      environment: runtimeEnvironment(house.environment),
      log: house.log.with({ id }),
    });
  };
  house.workers.begin({ run, fds: [] }, (outcome) => {
    init.state = "running";
    if ("failure" in outcome)
      call.refuse(statusOfFailure(outcome.failure, "OCI runtime start failed"));
    else {
      house.publisher.publish("/tasks/start", { containerId: id, pid: init.pid });
      call.answer({ pid: init.pid });
    }
    settle(house, task);
  });
}

function requireCreated({ isPaused }: Task, state: string): void {
  if (state === "created" && !isPaused) return;
  const now = isPaused ? "paused" : state === "starting" ? "running" : state;
  throw new StatusError("unknown", `cannot start a ${now} process`);
}

interface Place {
  task: Task;
  exec: Exec;
}

function startExec(house: House, { task, exec }: Place, call: Answering): void {
  const { id, init, isPaused } = task;
  if (init.ending !== undefined || init.state === "stopped") {
    throw new StatusError("failed precondition", `container ${id} init process is not running`);
  }
  requireCreated({ ...task, isPaused: false }, exec.state);
  if (isPaused) throw new StatusError("unknown", "cannot exec in a paused state");
  const owner = { uid: task.options.ioUid, gid: task.options.ioGid };
  const streams = openStreams(exec.names, { ...house, owner });
  if (exec.isStdinClosed) streams.closeStdin();
  exec.streams = streams;
  exec.state = "starting";
  const fds = Object.values(streams.ends).filter((fd) => fd !== undefined);
  house.workers.begin({ run: () => make(house, { task, exec }, streams), fds }, (outcome) => {
    if ("failure" in outcome || outcome.made === undefined) fail(exec, streams);
    if ("failure" in outcome) {
      call.refuse(statusOfFailure(outcome.failure, "OCI runtime exec failed"));
    } else if (outcome.made !== undefined) {
      begin(house, { task, exec, streams }, outcome.made);
      call.answer({ pid: outcome.made.pid });
    }
    settle(house, task);
  });
}

/** In the worker. */
function make({ log, environment }: House, { task, exec }: Place, streams: Streams): Made {
  const { id, root } = task;
  const { terminal } = exec.names;
  if (!terminal) takeStreams(streams.ends);
  const options: ExecOptions = {
    root,
    id,
    process: { text: exec.spec, terminal },
    detach: false,
    preserveFds: 0,
    cgroups: [],
    ignorePaused: false,
    environment: runtimeEnvironment(environment),
    log: log.with({ id, exec: exec.execId }),
  };
  const { init, slots } = execProgram(options, { asSibling: true });
  return slots.has("$console") ? { ...init, console: slots.take("$console") } : init;
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
}

/** It stays listed, without a pid, until it is deleted; whoever waits for it need not. */
function fail(exec: Exec, streams: Streams): void {
  streams.handOver();
  streams.close();
  exec.streams = undefined;
  exec.state = "stopped";
  exec.exit = { status: 0, at: { seconds: 0n, nanos: 0 } };
  for (const waiter of exec.waiters) waiter(exec.exit);
  exec.waiters.clear();
}
