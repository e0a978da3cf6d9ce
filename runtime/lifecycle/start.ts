// start: the word to go, and what becomes of it (runtime.md#start).

import { openRecorder, type Recorder } from "../engine/recorder.ts";
import { errnoText } from "../errno.ts";
import { RuntimeError, StateError, SyscallError } from "../errors.ts";
import type { Log } from "../log.ts";
import { GO, START_SOCKET } from "../ops/start.ts";
import { openDirectory, type Place } from "../store/directory.ts";
import { type ContainerRecord, readRecord } from "../store/record.ts";
import { STAGE_EXEC } from "../sys/exec.ts";
import { closeFd, statusOf as fileStatusOf } from "../sys/file.ts";
import { receiveByte, sendByte, tryConnectAt } from "../sys/socket.ts";
import { runHooks } from "./hooks.ts";
import { connectToAgent, handOverListener } from "./listener.ts";
import { type Status, statusOf } from "./status.ts";

export interface StartOptions extends Place {
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
}

/**
 * Starts a created container and returns when its program runs.
 * @throws StateError when it is not created; RuntimeError when the program cannot be executed, or a
 *   hook fails and the container is destroyed
 */
export function start(options: StartOptions): void {
  const record = readRecord(options);
  if (record?.program === null) {
    throw new StateError("cannot start a container without a process in its configuration");
  }
  const connection = connectToInit(options);
  if (record === undefined || connection < 0) throw refusal(statusOf(options, record));
  const agent = record.listener && connectToAgent(record.listener.path);
  const recorder = sayGo(connection);
  if (recorder === undefined) throw refusal(statusOf(options, record));
  if (agent !== undefined) handOverListener({ record, recorder, agent, init: connection });
  waitForEnd(connection);
  for (const line of recorder.warnings()) options.log.warn(line);
  const failure = failureIn(recorder, record);
  recorder.close();
  if (failure?.ofHook === true) destroy(options);
  if (failure !== undefined) throw new RuntimeError(failure.text);
  afterStart(options, record);
}

function connectToInit(place: Place): number {
  const directory = openDirectory(place);
  const connection = tryConnectAt(directory, START_SOCKET);
  closeFd(directory);
  return connection;
}

/** Init answers with the flight recorder; undefined when it went another way meanwhile. */
function sayGo(connection: number): Recorder | undefined {
  const EPIPE = 32;
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
  ofHook: boolean;
}

function failureIn(recorder: Recorder, record: ContainerRecord): Failure | undefined {
  const { program, startHooks } = record;
  const { errno, stage } = recorder.result();
  if (stage === STAGE_EXEC) {
    if (errno === 0) return undefined;
    return { text: `exec: "${program}": ${errnoText(errno)}${hintFor(errno)}`, ofHook: false };
  }
  if (errno !== 0) return { text: `seccomp: ${errnoText(errno)}`, ofHook: false };
  for (let step = 0; step < recorder.steps(); step++) {
    const { state, text } = recorder.row(step);
    if (state === "failed") return { text, ofHook: startHooks.includes(step) };
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

/** What execve(2) means when the file itself is there. */
function hintFor(errno: number): string {
  const ENOENT = 2;
  const ENOEXEC = 8;
  if (errno === ENOENT)
    return " (hint: its interpreter or dynamic loader is missing in the root filesystem)";
  if (errno === ENOEXEC) return " (hint: it is for another machine, or a script without a #! line)";
  return "";
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
  return new StateError("cannot start an already running container");
}
