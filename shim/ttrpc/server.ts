// The server's side of a ttrpc connection: frames in, calls to services, frames out. It knows no
// sockets. Calls are answered whenever they can be, in any order.

import { DecodeError, decode } from "../proto/decode.ts";
import { encode } from "../proto/encode.ts";
import type { Fields, Given, GivenOf, Message, Value, ValueOf } from "../proto/message.ts";
import { Request, Response } from "../proto/ttrpc.ts";
import {
  DATA,
  DATA_BYTES_MAX,
  encodeFrame,
  type Frame,
  frameDecoder,
  type OversizedFrame,
  REMOTE_OPEN,
  REQUEST,
  RESPONSE,
} from "./frame.ts";
import { CODES, StatusError } from "./status.ts";

/** One call, to be answered once; answers after the first, or after the deadline, are dropped. */
export interface Call<Answer> {
  answer(response: Answer): void;
  refuse(error: StatusError): void;
  /** What the client sent beside the request; the last of equal keys. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Has `forget` called when nobody waits for the answer any more. */
  whenOver(forget: () => void): void;
}

/** A method: given the request's bytes, and to be answered in bytes. */
export type Method = (payload: Uint8Array, call: Call<Uint8Array>) => void;

/** Methods by name, by the service's full name. */
export type Services = Readonly<Record<string, Readonly<Record<string, Method>>>>;

/** A method in terms of its messages. What `handle` throws as a StatusError is the answer. */
export function method<Req extends Fields, Res extends Fields>(
  { request, response }: { request: Message<Req>; response: Message<Res> },
  handle: (request: Value<Req>, call: Call<Given<Res>>) => void,
): Method {
  return (payload, call) => {
    handle(decode(request, payload), {
      metadata: call.metadata,
      answer: (given) => call.answer(encode(response, given)),
      refuse: (error) => call.refuse(error),
      whenOver: (forget) => call.whenOver(forget),
    });
  };
}

/** What a connection needs of the world. */
export interface Surroundings {
  services: Services;
  /** Sends bytes to the client, sometime. */
  send(bytes: Uint8Array): void;
  /** Calls back once, later; returns what prevents that. */
  after(milliseconds: number, run: () => void): () => void;
  /** Called with what is thrown and is no answer: a bug. */
  report(error: unknown): void;
}

export interface Connection {
  receive(bytes: Uint8Array): void;
  /** The client is gone, and with it whoever waits for an answer. */
  end(): void;
}

/** Serves one connection. */
export function serve(surroundings: Surroundings): Connection {
  const open = new Map<number, OpenCall>();
  let lastStream = 0;
  const decoder = frameDecoder(take);
  return {
    receive: decoder,
    end: () => {
      for (const call of [...open.values()]) call.close();
    },
  };

  function take(frame: Frame | OversizedFrame): void {
    const { stream } = frame;
    const problem = problemOf(frame);
    if (problem !== undefined) {
      surroundings.send(responseFrame(stream, refusal(problem)));
      return;
    }
    if ("oversizedBytes" in frame || frame.type !== REQUEST) return;
    lastStream = stream;
    begin(stream, frame);
  }

  function problemOf(frame: Frame | OversizedFrame): StatusError | undefined {
    const { stream, type } = frame;
    if (stream % 2 === 0) {
      return new StatusError(
        "invalid argument",
        "StreamID must be odd for client initiated streams",
      );
    }
    if ("oversizedBytes" in frame) {
      if (type === REQUEST) lastStream = Math.max(lastStream, stream);
      return tooLarge(frame.oversizedBytes);
    }
    if (type === DATA) {
      const text = open.has(stream) ? "the method takes no stream" : "StreamID is no longer active";
      return new StatusError("invalid argument", text);
    }
    if (type === REQUEST && stream <= lastStream) {
      return new StatusError("invalid argument", "StreamID cannot be re-used and must increment");
    }
    return undefined;
  }

  function begin(stream: number, { data, flags }: Frame): void {
    let request: ValueOf<typeof Request>;
    try {
      request = decode(Request, data);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      surroundings.send(responseFrame(stream, refusal(badRequest(error))));
      return;
    }
    const call = new OpenCall(request, {
      respond: (response) => surroundings.send(responseFrame(stream, response)),
      after: surroundings.after,
      over: () => open.delete(stream),
    });
    open.set(stream, call);
    try {
      find(request, flags)(request.payload, call);
    } catch (error) {
      if (error instanceof StatusError) call.refuse(error);
      else if (error instanceof DecodeError) call.refuse(badRequest(error));
      else {
        surroundings.report(error);
        call.refuse(new StatusError("unknown", `${String(error)} (hint: this is a bug)`));
      }
    }
  }

  function find({ service, method: name }: ValueOf<typeof Request>, flags: number): Method {
    const methods = Object.hasOwn(surroundings.services, service)
      ? surroundings.services[service]
      : undefined;
    if (methods === undefined) throw new StatusError("unimplemented", `service ${service}`);
    const found = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (found === undefined || (flags & REMOTE_OPEN) !== 0) {
      throw new StatusError("unimplemented", `method ${name}`);
    }
    return found;
  }
}

interface CallSurroundings {
  respond(response: GivenOf<typeof Response>): void;
  after: Surroundings["after"];
  over(): void;
}

class OpenCall implements Call<Uint8Array> {
  readonly metadata: ReadonlyMap<string, string>;
  readonly #surroundings: CallSurroundings;
  readonly #stopTimer: (() => void) | undefined;
  readonly #forget: (() => void)[] = [];
  #isOpen = true;

  constructor(request: ValueOf<typeof Request>, surroundings: CallSurroundings) {
    this.#surroundings = surroundings;
    this.metadata = new Map(request.metadata.map(({ key, value }) => [key, value]));
    const limitMs = Number(request.timeoutNano / 1_000_000n);
    if (request.timeoutNano > 0n) {
      this.#stopTimer = surroundings.after(limitMs, () =>
        this.refuse(new StatusError("deadline exceeded", "context deadline exceeded")),
      );
    }
  }

  answer(payload: Uint8Array): void {
    this.#finish({ payload });
  }

  refuse(error: StatusError): void {
    this.#finish(refusal(error));
  }

  whenOver(forget: () => void): void {
    this.#forget.push(forget);
  }

  #finish(response: GivenOf<typeof Response>): void {
    if (!this.#isOpen) return;
    this.close();
    this.#surroundings.respond(response);
  }

  close(): void {
    this.#isOpen = false;
    this.#stopTimer?.();
    this.#surroundings.over();
    for (const forget of this.#forget) forget();
  }
}

function responseFrame(stream: number, response: GivenOf<typeof Response>): Buffer {
  const data = encode(Response, response);
  if (data.length <= DATA_BYTES_MAX) {
    return encodeFrame({ stream, type: RESPONSE, flags: 0, data });
  }
  return responseFrame(stream, refusal(tooLarge(data.length)));
}

function refusal({ code, message }: StatusError): GivenOf<typeof Response> {
  return { status: { code: CODES[code], message } };
}

function tooLarge(bytes: number): StatusError {
  return new StatusError(
    "resource exhausted",
    `a message of ${bytes} bytes exceeds the maximum of ${DATA_BYTES_MAX}`,
  );
}

function badRequest(error: DecodeError): StatusError {
  return new StatusError("invalid argument", `cannot decode the request: ${error.message}`);
}
