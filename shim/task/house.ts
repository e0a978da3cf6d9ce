// What every method of the service works with.

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
  /** Ends the shim. */
  stop(): void;
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
  return (house) => method(messages, (request, call) => handle(house, request, call));
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

/** What a worker's failure is to a client; `what` begins the sentence. */
export function statusOfFailure({ kind, text }: Failure, what: string): StatusError {
  const code = kind === "missing" ? "not found" : "unknown";
  return new StatusError(code, `${what}: ${text}${kind === "missing" ? ": not found" : ""}`);
}
