// Events for containerd, in order: each is sent when the one before has arrived. While containerd is
// away they wait, for as long as it takes.

import { EPOLLIN } from "../../runtime/sys/epoll.ts";
import { closeFd, setNonBlocking, tryReadSome, writeAll } from "../../runtime/sys/file.ts";
import { tryConnectWithin } from "../../runtime/sys/socket.ts";
import type { ShimLog } from "../log.ts";
import type { Loop } from "../loop.ts";
import { decode } from "../proto/decode.ts";
import { encode } from "../proto/encode.ts";
import { EVENTS, ForwardRequest, type Topic } from "../proto/events.ts";
import type { GivenOf } from "../proto/message.ts";
import { Request, Response } from "../proto/ttrpc.ts";
import { timestampNow } from "../timestamp.ts";
import {
  encodeFrame,
  type Frame,
  frameDecoder,
  type OversizedFrame,
  REQUEST,
} from "../ttrpc/frame.ts";

export interface Publisher {
  publish<T extends Topic>(topic: T, event: GivenOf<(typeof EVENTS)[T]>): void;
  /** Calls back when no event waits any more, or the time has passed. */
  drain(limitMs: number, done: () => void): void;
  /** How many wait. */
  waiting(): number;
}

interface Destination {
  /** Path of containerd's socket for events; "" when nobody wants any. */
  address: string;
  namespace: string;
  loop: Loop;
  log: ShimLog;
}

const SERVICE = "containerd.services.events.ttrpc.v1.Events";
const ANSWER_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 1_000;
const RETRY_MS_MAX = 2_000;
/** Of a containerd that stays away. */
const WAITING_MAX = 65_536;

export function makePublisher({ address, namespace, loop, log }: Destination): Publisher {
  const queue: Buffer[] = [];
  let drained: (() => void)[] = [];
  let connection = -1;
  let stream = -1;
  let isSending = false;
  let retryMs = 50;
  let decoder = frameDecoder(heard);
  let stopTimer: () => void = () => undefined;
  return {
    publish(topic, event) {
      if (address === "") return;
      const type = EVENTS[topic];
      const value = encode(type, event);
      const envelope = {
        timestamp: timestampNow(),
        namespace,
        topic,
        event: { typeUrl: type.name, value },
      };
      if (queue.length === WAITING_MAX) {
        queue.shift();
        log.warn("too many events wait for containerd: the oldest is dropped");
      }
      queue.push(encode(ForwardRequest, { envelope }));
      if (!isSending) send();
    },
    drain(limitMs, done) {
      const stop = loop.after(queue.length === 0 ? 0 : limitMs, done);
      drained.push(() => {
        stop();
        done();
      });
      if (queue.length === 0) finish();
    },
    waiting: () => queue.length,
  };

  function send(): void {
    const [first] = queue;
    isSending = first !== undefined;
    if (first === undefined) finish();
    else if (connection >= 0 || connect()) forward(first);
    else retry();
  }

  function forward(payload: Buffer): void {
    stream += 2;
    const data = encode(Request, {
      service: SERVICE,
      method: "Forward",
      payload,
      timeoutNano: BigInt(ANSWER_TIMEOUT_MS) * 1_000_000n,
    });
    stopTimer = loop.after(ANSWER_TIMEOUT_MS, lost);
    try {
      writeAll(connection, encodeFrame({ stream, type: REQUEST, flags: 0, data }));
    } catch {
      lost();
    }
  }

  function finish(): void {
    const waiters = drained;
    drained = [];
    for (const done of waiters) done();
  }

  function connect(): boolean {
    const fd = tryConnectWithin(address, CONNECT_TIMEOUT_MS);
    if (fd < 0) return false;
    setNonBlocking(fd);
    connection = fd;
    stream = -1;
    decoder = frameDecoder(heard);
    loop.watch(fd, EPOLLIN, () => {
      const some = tryReadSome(fd, 4_096);
      const EAGAIN = 11;
      if (some === -EAGAIN) return;
      if (typeof some === "number" || some.length === 0) lost();
      else decoder(some);
    });
    return true;
  }

  function heard(frame: Frame | OversizedFrame): void {
    if (frame.stream !== stream || "oversizedBytes" in frame) return;
    stopTimer();
    retryMs = 50;
    const { status } = decode(Response, frame.data);
    if (status !== undefined && status.code !== 0) {
      log.warn(`containerd does not take an event: ${status.message}`);
    }
    queue.shift();
    send();
  }

  /** The event that was under way is sent again: containerd takes one twice, and misses none. */
  function lost(): void {
    stopTimer();
    if (connection >= 0) {
      loop.forget(connection);
      closeFd(connection);
      connection = -1;
    }
    if (isSending) retry();
  }

  function retry(): void {
    loop.after(retryMs, send);
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}
