// What every method of the service works with.

import { MissingError, RuntimeError } from "../../runtime/errors.ts";
import type { Children } from "../children.ts";
import type { Publisher } from "../events/publisher.ts";
import type { Environment } from "../launch/start.ts";
import type { ShimLog } from "../log.ts";
import type { Loop } from "../loop.ts";
import type { Fields, Given, Message, Value } from "../proto/message.ts";
import type { TASK } from "../proto/task.ts";
import { type Call, type Method, method } from "../ttrpc/server.ts";
import { StatusError } from "../ttrpc/status.ts";
import type { Failure, Workers } from "../worker.ts";
import type { Exec, Task, TaskProcess } from "./task.ts";

export interface House {
  readonly tasks: Map<string, Task>;
  readonly loop: Loop;
  readonly children: Children;
  readonly workers: Workers;
  readonly publisher: Publisher;
  readonly log: ShimLog;
  readonly namespace: string;
  readonly environment: Environment;
  /** Calls that have not been answered. */
  readonly calls: Set<PendingCall>;
  /** Files that say where the shim is: they go before it does. */
  readonly signs: Set<string>;
  /** Ends the shim, when its events have been told. */
  stop(): void;
}

export interface PendingCall {
  /** The full name of its request. */
  request: string;
  id: string;
  sinceMs: number;
}

export type MethodName = keyof typeof TASK;
type Handle<Req extends Fields, Res extends Fields> = (
  house: House,
  request: Value<Req>,
  call: Call<Given<Res>>,
) => void;

/** A method of the service, in terms of its messages. */
export function taskMethod<Req extends Fields, Res extends Fields>(
  messages: { request: Message<Req>; response: Message<Res> },
  handle: Handle<Req, Res>,
): (house: House) => Method {
  return (house) =>
    method(messages, (request, call) => {
      const id = String(request["id"] ?? "");
      const pending = { request: messages.request.name, id, sinceMs: performance.now() };
      house.calls.add(pending);
      if (house.log.debugs) house.log.with({ id }).debug(pending.request);
      call.whenOver(() => house.calls.delete(pending));
      try {
        handle(house, request, call);
      } catch (error) {
        throw error instanceof RuntimeError ? statusOfError(error) : error;
      }
    });
}

function statusOfError(error: RuntimeError): StatusError {
  const kind = error instanceof MissingError ? "missing" : "failed";
  return statusOfFailure({ kind, text: error.message });
}

/** @throws StatusError when there is no such container, or it is still being made */
export function taskOf({ tasks }: House, id: string): Task {
  const task = tasks.get(id);
  if (task === undefined || task.init.state === "creating") {
    throw new StatusError("not found", `container not created: ${id}: not found`);
  }
  return task;
}

/** @throws StatusError when there is no such process */
export function processOf(house: House, request: { id: string; execId: string }): TaskProcess {
  const task = taskOf(house, request.id);
  return request.execId === "" ? task.init : execOf(task, request.execId);
}

export function execOf(task: Task, execId: string): Exec {
  const exec = task.execs.get(execId);
  if (exec === undefined) {
    throw new StatusError("not found", `process does not exist ${execId}: not found`);
  }
  return exec;
}

/** What a failure is to a client; `what` begins the sentence. */
export function statusOfFailure({ kind, text }: Failure, what?: string): StatusError {
  const sentence = what === undefined ? text : `${what}: ${text}`;
  if (kind === "missing") return new StatusError("not found", `${sentence}: not found`);
  return new StatusError("unknown", sentence);
}

/** What a process is to clients who ask for something that it cannot have now. */
export function wordFor({ isPaused }: Task, { state }: TaskProcess): string {
  if (state === "stopped" || state === "created") return state;
  if (isPaused) return "paused";
  return state === "creating" ? "created" : "running";
}
