// What containerd is to a shim besides its client: where events go.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { decode } from "../../shim/proto/decode.ts";
import { encode } from "../../shim/proto/encode.ts";
import { EVENTS, ForwardRequest, type Topic } from "../../shim/proto/events.ts";
import type { Fields, GivenOf, Message, Value } from "../../shim/proto/message.ts";
import { Request, Response } from "../../shim/proto/ttrpc.ts";
import { encodeFrame, frameDecoder, RESPONSE } from "../../shim/ttrpc/frame.ts";
import { room } from "./room.ts";
import { waitUntil } from "./wait.ts";

/** containerd's own address, as the room's shims are told; nobody listens there. */
export const containerdAddress = join(room.directory, "c.sock");
/** Where they send events. */
export const eventsAddress = `${containerdAddress}.ttrpc`;

/** An event as it came. */
export interface Received {
  topic: string;
  namespace: string;
  /** Of the container. */
  id: string;
  typeUrl: string;
  /** Its message. */
  value: Uint8Array;
}

export interface EventReceiver {
  /** What has come, oldest first: all, or that of one container. */
  received(id?: string): readonly Received[];
  /** Topics of a container's events without the "/tasks/" before them, in order. */
  topics(id: string): string[];
  /** Waits until a container has had so many events of a topic; returns them. */
  events<T extends Topic>(id: string, topic: T, count?: number): Promise<EventOf<T>[]>;
  /** What is answered: nothing, success, or an error. Success at first. */
  answering: GivenOf<typeof Response> | undefined;
  /** Closes socket and connections, as a containerd that ends does. */
  stop(): void;
}

type EventOf<T extends Topic> =
  (typeof EVENTS)[T] extends Message<infer F extends Fields> ? Value<F> : never;

/** Receives the events of the room's shims, from those that wait already on. */
export function receiveEvents(): EventReceiver {
  const all: Received[] = [];
  const connections = new Set<{ end(): void }>();
  const server = Bun.listen<(bytes: Uint8Array) => void>({
    unix: eventsAddress,
    socket: {
      open: (socket) => {
        connections.add(socket);
        socket.data = frameDecoder((frame) => {
          if ("oversizedBytes" in frame) throw new Error(`event of ${frame.oversizedBytes} bytes`);
          all.push(eventIn(frame.data));
          if (receiver.answering === undefined) return;
          const data = encode(Response, receiver.answering);
          socket.write(encodeFrame({ stream: frame.stream, type: RESPONSE, flags: 0, data }));
        });
      },
      data: (socket, bytes) => socket.data(Uint8Array.from(bytes)),
      close: (socket) => void connections.delete(socket),
    },
  });
  const receiver: EventReceiver = {
    answering: {},
    received: (id) => all.filter((event) => id === undefined || event.id === id),
    topics: (id) => receiver.received(id).map(({ topic }) => topic.replace("/tasks/", "")),
    events: (id, topic, count = 1) =>
      waitUntil(`${count} events ${topic} of ${id}`, () => {
        const found = receiver.received(id).filter((event) => event.topic === topic);
        return found.length >= count && found.map(({ value }) => eventOf(topic, value));
      }),
    stop: () => {
      server.stop(true);
      for (const connection of connections) connection.end();
      rmSync(eventsAddress, { force: true });
    },
  };
  return receiver;
}

function eventIn(data: Uint8Array): Received {
  const request = decode(Request, data);
  const call = `${request.service}/${request.method}`;
  if (call !== "containerd.services.events.ttrpc.v1.Events/Forward") throw new Error(call);
  const { envelope } = decode(ForwardRequest, request.payload);
  if (envelope?.event === undefined || envelope.timestamp === undefined) {
    throw new Error("an event without event or time");
  }
  const { topic, namespace, event } = envelope;
  const { containerId } = decode(EVENTS["/tasks/oom"], event.value);
  return { topic, namespace, id: containerId, typeUrl: event.typeUrl, value: event.value };
}

function eventOf<T extends Topic>(topic: T, value: Uint8Array): EventOf<T>;
function eventOf(topic: Topic, value: Uint8Array) {
  return decode<Fields>(EVENTS[topic], value);
}
