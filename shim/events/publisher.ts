// Events for containerd, in order: each is sent when the one before has arrived. While containerd is
// away, or does not answer, they wait, for as long as it takes.

import type { ShimLog } from "../log.ts";
import type { Loop } from "../loop.ts";
import { encode } from "../proto/encode.ts";
import { EVENTS, ForwardRequest, type Topic } from "../proto/events.ts";
import type { GivenOf } from "../proto/message.ts";
import { timestampNow } from "../timestamp.ts";
import { CODES } from "../ttrpc/status.ts";
import { type Answer, type Caller, connectCaller } from "./caller.ts";

export interface Publisher {
  publish<T extends Topic>(topic: T, event: GivenOf<(typeof EVENTS)[T]>): void;
  /** Calls back once: when no event waits any more, or the time has passed. */
  drain(limitMs: number, done: () => void): void;
  /** Whether containerd has taken an event before. */
  isHeard(): boolean;
  /** How many wait. */
  waiting(): number;
  /** Whether they wait for a containerd that is not there. */
  isCutOff(): boolean;
}

interface Destination {
  /** Path of containerd's socket for events; "" when nobody wants any. */
  address: string;
  namespace: string;
  loop: Loop;
  log: ShimLog;
}

const FORWARD = { service: "containerd.services.events.ttrpc.v1.Events", method: "Forward" };
/**
 * Of a containerd that is connected and says nothing. It may be stopped and have the event all the
 * same: to send it again too early is to tell it twice.
 */
const ANSWER_TIMEOUT_MS = 30_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;
/** How often an event is sent that containerd refuses; those after it wait. */
const REFUSALS_MAX = 5;
/** Of a containerd that stays away. */
const WAITING_MAX = 65_536;

export function makePublisher({ address, namespace, loop, log }: Destination): Publisher {
  /** The first is under way, or to be sent again. */
  const queue: Buffer[] = [];
  const drains = new Set<() => void>();
  let caller: Caller | undefined;
  let isSending = false;
  let isHeard = false;
  let retryMs = RETRY_MS_MIN;
  /** While an event waits to be sent again. */
  let stopRetry: (() => void) | undefined;
  let refusals = 0;
  return {
    publish(topic, event) {
      if (address === "") return;
      if (queue.length === WAITING_MAX) {
        queue.splice(1, 1);
        log.warn("too many events wait for containerd: one of the oldest is dropped");
      }
      queue.push(envelopeOf(topic, event));
      if (!isSending) send();
    },
    drain(limitMs, done) {
      const finish = (): void => {
        stop();
        if (drains.delete(finish)) done();
      };
      const stop = loop.after(limitMs, finish);
      drains.add(finish);
      if (queue.length === 0) finish();
      else if (stopRetry !== undefined) {
        // Who is about to leave has no time for long pauses.
        stopRetry();
        retryMs = RETRY_MS_MIN;
        send();
      }
    },
    isHeard: () => isHeard,
    waiting: () => queue.length,
    isCutOff: () => queue.length > 0 && caller === undefined,
  };

  function envelopeOf<T extends Topic>(topic: T, event: GivenOf<(typeof EVENTS)[T]>): Buffer {
    const type = EVENTS[topic];
    const value = encode(type, event);
    return encode(ForwardRequest, {
      envelope: {
        timestamp: timestampNow(),
        namespace,
        topic,
        event: { typeUrl: type.name, value },
      },
    });
  }

  function send(): void {
    stopRetry = undefined;
    const [payload] = queue;
    isSending = payload !== undefined;
    if (payload === undefined) {
      for (const finish of [...drains]) finish();
      return;
    }
    caller ??= connectCaller(loop, address, lost);
    if (caller === undefined) retry();
    else caller.call({ ...FORWARD, payload, limitMs: ANSWER_TIMEOUT_MS }, heard);
  }

  function heard({ code, message }: Answer): void {
    retryMs = RETRY_MS_MIN;
    if (code !== 0) {
      log.warn(`containerd does not take an event: ${message}`);
      refusals++;
      if (code !== CODES["invalid argument"] && refusals < REFUSALS_MAX) {
        retry();
        return;
      }
    }
    refusals = 0;
    isHeard = true;
    queue.shift();
    send();
  }

  /** The event that was under way is sent again: containerd may have one twice, and misses none. */
  function lost(): void {
    caller = undefined;
    if (isSending) retry();
  }

  function retry(): void {
    stopRetry = loop.after(retryMs, send);
    retryMs = drains.size > 0 ? RETRY_MS_MIN : Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}
