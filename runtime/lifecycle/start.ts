// start: the word to go, and what becomes of it (runtime.md#start).

import { frozen } from "../cgroup/frozen.ts";
import { programFailure } from "../engine/program-failure.ts";
import { FAILURE_SEPARATOR, openRecorder, type Recorder } from "../engine/recorder.ts";
import { EPIPE, errnoText } from "../errno.ts";
import { RuntimeError, StateError, StepError, SyscallError } from "../errors.ts";
import type { Log } from "../log.ts";
import { GO, START_SOCKET } from "../ops/start.ts";
import { lockDirectory, openDirectory, type Place } from "../store/directory.ts";
import { type ContainerRecord, type ProcessIdentity, readRecord } from "../store/record.ts";
import { STAGE_EXEC } from "../sys/exec.ts";
import { closeFd } from "../sys/file.ts";
import { type Received, receiveByte, sendByte, tryConnectAt } from "../sys/socket.ts";
import { statusOf as fileStatusOf } from "../sys/status.ts";
import { runHooks } from "./hooks.ts";
import { connectToAgent, handOverListener } from "./listener.ts";
import type { ReadySocket } from "./notify-socket.ts";
import { type Status, statusOf } from "./status.ts";

export interface StartOptions extends Place {
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
}

/**
 * Starts a created container. Returns when its program runs and, if the caller's NOTIFY_SOCKET asks
 * for that, is ready or has ended.
 * @throws StateError when it is not created; RuntimeError when the program cannot be executed, or a
 *   hook fails and the container is destroyed
 */
export function start(options: StartOptions): void {
  const { ready, init } = startProgram(options);
  if (ready === undefined || init === undefined) return;
  const { awaitReady }: typeof import("./notify-socket.ts") = require("./notify-socket.ts");
  awaitReady(ready, init);
}

/** A program that runs, and where it will say that it is ready, if anyone wants to know. */
export interface StartedProgram {
  init: ProcessIdentity | undefined;
  ready: ReadySocket | undefined;
}

/** As {@link start}, and leaves the waiting for the program to be ready to the caller. */
export function startProgram(options: StartOptions): StartedProgram {
  const starting = beginStart(options);
  for (;;) {
    const started = starting.goOn();
    if (started !== undefined) return started;
  }
}

/** A start of which init has been told. */
export interface Starting {
  /** Readable when init has said something; closed with the end. */
  fd: number;
  /** Hears that, or waits for it. Nothing as long as there is more to be said. */
  goOn(): StartedProgram | undefined;
}

/** Whether {@link beginStart}, and what comes after it, waits for nobody but init. */
export function isStartAtOnce({ listener, hooks, startHooks }: ContainerRecord): boolean {
  return listener === undefined && hooks.poststart === undefined && startHooks.length === 0;
}

/** As {@link startProgram}, for one that waits for others too. */
export function beginStart(options: StartOptions): Starting {
  const { record, connection, agent, ready, lock } = sayGo(options);
  let recorder: Recorder | undefined;
  return {
    fd: connection,
    goOn: () => {
      const said = receiveByte(connection);
      if (recorder === undefined) {
        if (lock !== undefined) closeFd(lock);
        recorder = recorderIn(said, connection);
        if (recorder === undefined) throw refusal(statusOf(options, record));
        if (agent === undefined) return undefined;
        handOverListener({ record, recorder, agent, init: connection, process: () => record.init });
        return undefined;
      }
      // The connection closes when init executes the program, or ends.
      if (said !== undefined) return undefined;
      closeFd(connection);
      finish(options, record, recorder);
      return { init: record.init, ready };
    },
  };
}

interface Begun {
  record: ContainerRecord;
  connection: number;
  agent: number | undefined;
  ready: ReadySocket | undefined;
  /** Until init has answered. */
  lock: number | undefined;
}

function sayGo(options: StartOptions): Begun {
  const host = options.environment["NOTIFY_SOCKET"];
  // Only the one that starts may make the socket; the lock is not held while it waits for anything.
  const lock = host ? lockDirectory(options) : undefined;
  try {
    const record = readRecord(options);
    if (record?.program === null) {
      throw new StateError("cannot start a container without a process in its configuration");
    }
    if (record !== undefined && frozen(record.cgroups)) throw refusal("paused");
    const connection = connectToInit(options);
    if (record === undefined || connection < 0) throw refusal(statusOf(options, record));
    const agent = record.listener && connectToAgent(record.listener.path);
    const ready = host ? listenForReady(options, host) : undefined;
    try {
      sendByte(connection, GO);
    } catch (error) {
      // Without anyone there is no answer either.
      if (!(error instanceof SyscallError && error.errno === EPIPE)) throw error;
    }
    return { record, connection, agent, ready, lock };
  } catch (error) {
    if (lock !== undefined) closeFd(lock);
    throw error;
  }
}

/**
 * Init answers with the flight recorder: the one `start` that gets it is the one that starts the
 * container. Undefined, with the connection closed, when it went another way meanwhile.
 */
function recorderIn(answer: Received | undefined, connection: number): Recorder | undefined {
  if (answer?.fd !== undefined) return openRecorder(answer.fd, fileStatusOf(answer.fd).size);
  closeFd(connection);
  return undefined;
}

function finish(options: StartOptions, record: ContainerRecord, recorder: Recorder): void {
  for (const line of recorder.warnings()) options.log.warn(line);
  const failure = failureIn(recorder, record);
  recorder.close();
  if (failure?.ofHook === true) destroy(options);
  if (failure !== undefined) throw new StepError(failure.text, failure.story ?? []);
  afterStart(options, record);
}

function listenForReady(options: StartOptions, host: string): ReadySocket | undefined {
  // Few callers want to know.
  const notify: typeof import("./notify-socket.ts") = require("./notify-socket.ts");
  return notify.listenForReady(options, { host, log: options.log });
}

function connectToInit(place: Place): number {
  const directory = openDirectory(place);
  const connection = tryConnectAt(directory, START_SOCKET);
  closeFd(directory);
  return connection;
}

interface Failure {
  text: string;
  story?: string[];
  ofHook: boolean;
}

function failureIn(recorder: Recorder, record: ContainerRecord): Failure | undefined {
  const { program, startHooks } = record;
  const { errno, stage } = recorder.result();
  if (stage === STAGE_EXEC) {
    if (errno === 0) return undefined;
    return { text: programFailure(program, errno).message, ofHook: false };
  }
  if (errno !== 0) return { text: `seccomp: ${errnoText(errno)}`, ofHook: false };
  for (let step = 0; step < recorder.steps(); step++) {
    const row = recorder.row(step);
    if (row.state !== "failed") continue;
    const [text = "", ...story] = row.text.split(FAILURE_SEPARATOR);
    return { text, story, ofHook: startHooks.includes(step) };
  }
  return { text: "the container ended before its program was executed", ofHook: false };
}

/** runtime.md#lifecycle, 7 and 9: with a hook that fails the lifecycle goes on at step 12. */
function destroy(options: StartOptions): void {
  // Hooks seldom fail; whoever starts a container does not come to delete it.
  const { deleteContainer }: typeof import("./delete.ts") = require("./delete.ts");
  try {
    deleteContainer({ ...options, force: true });
  } catch (error) {
    // The hook's error is the one to tell.
    if (!(error instanceof RuntimeError)) throw error;
    options.log.warn(error.message);
  }
}

function afterStart(options: StartOptions, record: ContainerRecord): void {
  if (record.init === undefined || record.hooks.poststart === undefined) return;
  const { id, environment } = options;
  const { bundle, hooks, annotations, init } = record;
  try {
    runHooks({
      kind: "poststart",
      hooks: { hooks, ...(annotations && { annotations }) },
      id,
      bundle,
      status: "running",
      pid: init.pid,
      environment,
    });
  } catch (error) {
    destroy(options);
    throw error;
  }
}

function refusal(status: Status): StateError {
  if (status === "stopped") return new StateError("cannot start a container that has stopped");
  if (status === "creating")
    return new StateError("cannot start a container that is being created");
  if (status === "paused") return new StateError("cannot start a container in the paused state");
  return new StateError("cannot start an already running container");
}
