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
import { receiveByte, sendByte, tryConnectAt } from "../sys/socket.ts";
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
  const { record, connection, agent, recorder, ready } = begin(options);
  if (agent !== undefined) {
    handOverListener({ record, recorder, agent, init: connection, process: () => record.init });
  }
  waitForEnd(connection);
  for (const line of recorder.warnings()) options.log.warn(line);
  const failure = failureIn(recorder, record);
  recorder.close();
  if (failure?.ofHook === true) destroy(options);
  if (failure !== undefined) throw new StepError(failure.text, failure.story ?? []);
  afterStart(options, record);
  return { init: record.init, ready };
}

interface Begun {
  record: ContainerRecord;
  connection: number;
  agent: number | undefined;
  recorder: Recorder;
  ready: ReadySocket | undefined;
}

/** Up to init's answer: the one `start` that gets it is the one that starts the container. */
function begin(options: StartOptions): Begun {
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
    const recorder = sayGo(connection);
    if (recorder === undefined) throw refusal(statusOf(options, record));
    return { record, connection, agent, recorder, ready };
  } finally {
    if (lock !== undefined) closeFd(lock);
  }
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

/** Init answers with the flight recorder; undefined when it went another way meanwhile. */
function sayGo(connection: number): Recorder | undefined {
  try {
    sendByte(connection, GO);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === EPIPE) return undefined;
    throw error;
  }
  const answer = receiveByte(connection);
  if (answer?.fd === undefined) return undefined;
  return openRecorder(answer.fd, fileStatusOf(answer.fd).size);
}

/** The connection closes when init executes the program, or ends. */
function waitForEnd(connection: number): void {
  while (receiveByte(connection) !== undefined);
  closeFd(connection);
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
