// The Task service of a shim, as containerd calls it.

import type { Fields, Given, Value } from "../../shim/proto/message.ts";
import { TASK } from "../../shim/proto/task.ts";
import { type CallOptions, type Client, connectClient, type Messages } from "./ttrpc-client.ts";

/** Every method of the service, on one connection. */
export type TaskClient = Awaited<ReturnType<typeof connectTasks>>;

/** Connects to a shim's socket. `version` is that of the service. */
export async function connectTasks(path: string, version: 2 | 3 = 3) {
  const client = await connectClient(path);
  const service = `containerd.task.v${version}.Task`;
  return {
    client,
    state: method(client, service, "State", TASK.State),
    create: method(client, service, "Create", TASK.Create),
    start: method(client, service, "Start", TASK.Start),
    delete: method(client, service, "Delete", TASK.Delete),
    pids: method(client, service, "Pids", TASK.Pids),
    pause: method(client, service, "Pause", TASK.Pause),
    resume: method(client, service, "Resume", TASK.Resume),
    checkpoint: method(client, service, "Checkpoint", TASK.Checkpoint),
    kill: method(client, service, "Kill", TASK.Kill),
    exec: method(client, service, "Exec", TASK.Exec),
    resizePty: method(client, service, "ResizePty", TASK.ResizePty),
    closeIO: method(client, service, "CloseIO", TASK.CloseIO),
    update: method(client, service, "Update", TASK.Update),
    wait: method(client, service, "Wait", TASK.Wait),
    stats: method(client, service, "Stats", TASK.Stats),
    connect: method(client, service, "Connect", TASK.Connect),
    shutdown: method(client, service, "Shutdown", TASK.Shutdown),
  };
}

function method<Asked extends Fields, Answered extends Fields>(
  client: Client,
  ...[service, name, messages]: [string, string, Messages<Asked, Answered>]
): (given: Given<Asked>, options?: CallOptions) => Promise<Value<Answered>> {
  return (given, options) => client.call({ service, name }, messages, given, options);
}
