// What a containerd tells its clients of its containers.

import { freshName } from "../room.ts";
import { waitUntil } from "../wait.ts";
import type { Containerd } from "./containerd.ts";

/** An event of a container's task. */
export interface TaskEvent {
  /** Such as "exit". */
  topic: string;
  /** Its fields without what is different each time: ids, pids, times, numbers of snapshots. */
  fields: object;
}

/** Events from now on. */
export interface Events {
  /** Those of a container so far. */
  of(id: string): TaskEvent[];
  /** Waits for the last event of a container, that it has been removed; returns them all. */
  untilRemoved(id: string): Promise<TaskEvent[]>;
  /** Waits for an event. */
  until(id: string, topic: string, count?: number): Promise<TaskEvent[]>;
  stop(): Promise<void>;
}

/** Listens to the events of a containerd; returns when it does. */
export async function listenForEvents(containerd: Containerd): Promise<Events> {
  const client = containerd.start(["events"], { limitMs: 100_000 });
  const label = freshName();
  await waitUntil("the first event", async () => {
    await containerd.does("namespaces", "label", "default", `${label}=${freshName()}`);
    return client.stdout().includes(label);
  });
  const linesOf = (id: string): string[] =>
    client
      .stdout()
      .split("\n")
      .filter((line) => line.includes(`"${id}"`));
  const of = (id: string): TaskEvent[] =>
    linesOf(id).flatMap((line) => {
      const [, topic, json] = / \/tasks\/(\S+) (\{.*\})$/.exec(line) ?? [];
      if (topic === undefined || json === undefined) return [];
      return [{ topic, fields: JSON.parse(json, (key, value) => comparable(id, { key, value })) }];
    });
  return {
    of,
    async untilRemoved(id) {
      const isLast = (line: string): boolean => line.includes(" /containers/delete ");
      await waitUntil(`removal of ${id}`, () => linesOf(id).some(isLast));
      return of(id);
    },
    async until(id, topic, count = 1) {
      const isThere = (): boolean =>
        of(id).filter((event) => event.topic === topic).length >= count;
      await waitUntil(`${topic} of ${id}`, isThere, 20_000);
      return of(id);
    },
    async stop() {
      client.kill("SIGTERM");
      await client.ended;
    },
  };
}

function comparable(id: string, { key, value }: { key: string; value: unknown }): unknown {
  if (key === "pid") return "pid";
  if (key === "exited_at") return "time";
  if (typeof value !== "string") return value;
  return value
    .replaceAll(id, "ID")
    .replace(/\/snapshots\/\d+\//g, "/snapshots/N/")
    .replace(/\/fifos\/\d+\//g, "/fifos/N/");
}
