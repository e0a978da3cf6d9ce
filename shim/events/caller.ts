// The client's side of a ttrpc connection, for one call at a time. Nothing of it waits.

import { EAGAIN } from "../../runtime/errno.ts";
import { EPOLLIN, EPOLLOUT } from "../../runtime/sys/epoll.ts";
import { closeFd, tryReadSome, tryWriteSome } from "../../runtime/sys/file.ts";
import { tryConnectAtOnce } from "../../runtime/sys/socket.ts";
import type { Loop } from "../loop.ts";
import { DecodeError, decode } from "../proto/decode.ts";
import { encode } from "../proto/encode.ts";
import { Request, Response } from "../proto/ttrpc.ts";
import {
  encodeFrame,
  type Frame,
  frameDecoder,
  type OversizedFrame,
  REQUEST,
} from "../ttrpc/frame.ts";

export interface OutgoingCall {
  service: string;
  method: string;
  payload: Uint8Array;
  /** Without an answer by then the connection is given up. */
  limitMs: number;
}

/** A code of google.rpc.Code, 0 for success. */
export interface Answer {
  code: number;
  message: string;
}

export interface Caller {
  call(call: OutgoingCall, heard: (answer: Answer) => void): void;
}

const READ_BYTES = 4_096;

/** Connects; undefined where that cannot be. `lost` is called when the connection has gone. */
export function connectCaller(loop: Loop, path: string, lost: () => void): Caller | undefined {
  const fd = tryConnectAtOnce(path);
  if (fd < 0) return undefined;
  const decoder = frameDecoder(take);
  let stream = -1;
  let unsent: Uint8Array = new Uint8Array(0);
  let pending: ((answer: Answer) => void) | undefined;
  let stopTimer = (): void => undefined;
  loop.watch(fd, EPOLLIN, (events) => {
    if ((events & EPOLLOUT) !== 0) flush();
    if ((events & ~EPOLLOUT) !== 0) read();
  });
  return {
    call({ service, method, payload, limitMs }, heard) {
      stream += 2;
      pending = heard;
      const timeoutNano = BigInt(limitMs) * 1_000_000n;
      const data = encode(Request, { service, method, payload, timeoutNano });
      stopTimer = loop.after(limitMs, giveUp);
      unsent = encodeFrame({ stream, type: REQUEST, flags: 0, data });
      flush();
    },
  };

  function flush(): void {
    while (unsent.length > 0) {
      const written = tryWriteSome(fd, unsent);
      // One that has gone is noticed by reading.
      if (written < 0) break;
      unsent = unsent.subarray(written);
    }
    loop.change(fd, unsent.length === 0 ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }

  function read(): void {
    const some = tryReadSome(fd, READ_BYTES);
    if (some === -EAGAIN) return;
    if (typeof some === "number" || some.length === 0) giveUp();
    else decoder(some);
  }

  function take(frame: Frame | OversizedFrame): void {
    const heard = pending;
    if (heard === undefined || frame.stream !== stream || "oversizedBytes" in frame) return;
    const answer = answerIn(frame);
    if (answer === undefined) {
      giveUp();
      return;
    }
    pending = undefined;
    stopTimer();
    heard(answer);
  }

  function giveUp(): void {
    stopTimer();
    pending = undefined;
    loop.forget(fd);
    closeFd(fd);
    lost();
  }
}

/** Undefined when it cannot be read. */
function answerIn({ data }: Frame): Answer | undefined {
  try {
    const { code = 0, message = "" } = decode(Response, data).status ?? {};
    return { code, message };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
