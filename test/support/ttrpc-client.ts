// A client of ttrpc, and the bare connection below it for those who send what no client would.

import { decode } from "../../shim/proto/decode.ts";
import { encode } from "../../shim/proto/encode.ts";
import type { Fields, Given, Message, Value } from "../../shim/proto/message.ts";
import { Request, Response } from "../../shim/proto/ttrpc.ts";
import {
  encodeFrame,
  type Frame,
  frameDecoder,
  REQUEST,
  RESPONSE,
} from "../../shim/ttrpc/frame.ts";
import { patience } from "./patience.ts";

/** Bytes and frames, whatever they are. */
export interface Connection {
  send(bytes: Uint8Array): void;
  /** All frames that have come, oldest first. */
  readonly frames: readonly Frame[];
  /** Resolved when the other side has closed it, or this one. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface CallOptions {
  /** The deadline that the server is told; the client itself gives up some time later. */
  timeoutMs?: number;
  metadata?: Readonly<Record<string, string>>;
}

/** The messages of a method. */
export interface Messages<Asked extends Fields, Answered extends Fields> {
  request: Message<Asked>;
  response: Message<Answered>;
}

/** Calls of one connection, as many at once as one likes. */
export interface Client extends Connection {
  /** @throws CallError when the answer is an error, or none comes */
  call<Asked extends Fields, Answered extends Fields>(
    method: { service: string; name: string },
    messages: Messages<Asked, Answered>,
    given: Given<Asked>,
    options?: CallOptions,
  ): Promise<Value<Answered>>;
}

/** An answer that is an error; `code` is gRPC's. */
export class CallError extends Error {
  override name = "CallError";
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

/** What a client itself says of a connection that is gone. */
export const UNAVAILABLE = 14;
/** What a client itself says when no answer comes. */
export const DEADLINE_EXCEEDED = 4;

const ANSWER_LIMIT_MS = 20_000;

/** Connects to a socket; frames are handed to `take` as well as kept. */
export async function connectTo(
  path: string,
  take: (frame: Frame) => void = () => undefined,
): Promise<Connection> {
  const frames: Frame[] = [];
  const receive = frameDecoder((frame) => {
    if ("oversizedBytes" in frame) throw new Error(`a frame of ${frame.oversizedBytes} bytes`);
    frames.push(frame);
    take(frame);
  });
  let waiting: Uint8Array[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data: (_, bytes) => receive(Uint8Array.from(bytes)),
      drain: () => flush(),
      close: () => resolve(),
      error: () => resolve(),
    },
  });
  const flush = (): void => {
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const written = socket.write(first);
      if (written < first.length) {
        waiting[0] = first.subarray(Math.max(written, 0));
        return;
      }
      waiting = waiting.slice(1);
    }
  };
  return {
    frames,
    closed,
    send: (bytes) => {
      waiting.push(bytes);
      if (waiting.length === 1) flush();
    },
    close: () => socket.end(),
  };
}

/** Connects to a server of ttrpc. */
export async function connectClient(path: string): Promise<Client> {
  const open = new Map<number, (answer: Frame | CallError) => void>();
  let stream = -1;
  const connection = await connectTo(path, (frame) => {
    if (frame.type === RESPONSE) open.get(frame.stream)?.(frame);
  });
  const gone = new CallError(UNAVAILABLE, "ttrpc: closed");
  let isGone = false;
  void connection.closed.then(() => {
    isGone = true;
    for (const answer of [...open.values()]) answer(gone);
  });
  const ask = (data: Uint8Array, limitMs: number): Promise<Frame> => {
    stream += 2;
    const mine = stream;
    return new Promise<Frame>((resolve, reject) => {
      const late = new CallError(DEADLINE_EXCEEDED, "no answer in time");
      const timer = setTimeout(() => settle(late), limitMs);
      const settle = (answer: Frame | CallError): void => {
        clearTimeout(timer);
        open.delete(mine);
        if (answer instanceof CallError) reject(answer);
        else resolve(answer);
      };
      open.set(mine, settle);
      if (isGone) settle(gone);
      connection.send(encodeFrame({ stream: mine, type: REQUEST, flags: 0, data }));
    });
  };
  return {
    ...connection,
    call: async ({ service, name }, { request, response }, given, options = {}) => {
      const { timeoutMs = 0, metadata = {} } = options;
      const data = encode(Request, {
        service,
        method: name,
        payload: encode(request, given),
        timeoutNano: BigInt(timeoutMs) * 1_000_000n,
        metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      });
      const answer = await ask(data, (timeoutMs + ANSWER_LIMIT_MS) * patience);
      const { status, payload } = decode(Response, answer.data);
      if (status !== undefined && status.code !== 0) {
        throw new CallError(status.code, status.message);
      }
      return decode(response, payload);
    },
  };
}
