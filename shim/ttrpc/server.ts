// The server's side of a ttrpc connection: frames in, calls to services, frames out. It knows no
// sockets. Calls are answered whenever they can be, in any order.

import { RuntimeError } from "../../runtime/errors.ts";
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
  REQUEST,
  RESPONSE,
} from "./frame.ts";
import { CODES, StatusError } from "./status.ts";

/** One call, to be answered once; answers after the first, or after the deadline, are dropped. */
export interface Call<Answer> {
  answer(response: Answer): void;
  refuse(error: StatusError): void;
  /** Has `forget` called when nobody waits for the answer any more. */
  whenOver(forget: () => void): void;
}

/** A method: given the request's bytes, and to be answered in bytes. */
export type Method = (payload: Uint8Array, call: Call<Uint8Array>) => void;

/** Methods by name, by the service's full name. */
export type Services = Readonly<Record<string, Readonly<Record<string, Method>>>>;

/**
 * A method in terms of its messages. What `handle` throws is the answer: a StatusError as it is, a
 * RuntimeError as an unknown one, and anything else is a bug.
 */
export function method<Req extends Fields, Res extends Fields>(
  { request, response }: { request: Message<Req>; response: Message<Res> },
  handle: (request: Value<Req>, call: Call<Given<Res>>) => void,
): Method {
  return (payload, call) => {
    handle(decode(request, payload), {
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
  return {
    receive: frameDecoder(take),
    end: () => {
      for (const call of [...open.values()]) call.close();
    },
  };

  /** Frames of other types are passed over. */
  function take(frame: Frame | OversizedFrame): void {
    const { stream, type } = frame;
    if (stream % 2 === 0) {
      fail(stream, invalid("StreamID must be odd for client initiated streams"));
    } else if ("oversizedBytes" in frame) fail(stream, tooLarge(frame.oversizedBytes));
    else if (type === DATA) fail(stream, invalid("StreamID is no longer active"));
    else if (type === REQUEST && stream <= lastStream) {
      fail(stream, invalid("StreamID cannot be re-used and must increment"));
    } else if (type === REQUEST) {
      lastStream = stream;
      begin(frame);
    }
  }

  /** A call that is open is answered by this alone. */
  function fail(stream: number, error: StatusError): void {
    const call = open.get(stream);
    if (call === undefined) respond(stream, refusal(error));
    else call.refuse(error);
  }

  function respond(stream: number, response: GivenOf<typeof Response>): void {
    surroundings.send(responseFrame(stream, response));
  }

  function begin({ stream, data }: Frame): void {
    let request: ValueOf<typeof Request>;
    try {
      request = decode(Request, data);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      fail(stream, invalid(`unmarshal request error: ${error.message}`));
      return;
    }
    const call = new OpenCall({
      respond: (response) => respond(stream, response),
      over: () => open.delete(stream),
    });
    open.set(stream, call);
    limit(call, request.timeoutNano);
    try {
      find(request)(request.payload, call);
    } catch (error) {
      call.refuse(errorOf(error));
    }
  }

  /** 0 is no limit; one that is negative has passed. */
  function limit(call: OpenCall, timeoutNano: bigint): void {
    if (timeoutNano === 0n) return;
    const limitMs = Math.max(0, Number(timeoutNano / 1_000_000n));
    const late = new StatusError("deadline exceeded", "context deadline exceeded");
    call.whenOver(surroundings.after(limitMs, () => call.refuse(late)));
  }

  function find({ service, method: name }: ValueOf<typeof Request>): Method {
    const { services } = surroundings;
    const methods = Object.hasOwn(services, service) ? services[service] : undefined;
    if (methods === undefined) throw new StatusError("unimplemented", `service ${service}`);
    const found = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (found === undefined) throw new StatusError("unimplemented", `method ${name}`);
    return found;
  }

  function errorOf(error: unknown): StatusError {
    if (error instanceof StatusError) return error;
    if (error instanceof DecodeError) {
      return new StatusError("internal", `ttrpc: error unmarshalling payload: ${error.message}`);
    }
    if (error instanceof RuntimeError) return new StatusError("unknown", error.message);
    surroundings.report(error);
    return new StatusError("unknown", `${String(error)} (hint: this is a bug)`);
  }
}

interface CallSurroundings {
  respond(response: GivenOf<typeof Response>): void;
  over(): void;
}

class OpenCall implements Call<Uint8Array> {
  readonly #surroundings: CallSurroundings;
  readonly #forget: (() => void)[] = [];
  #isOpen = true;

  constructor(surroundings: CallSurroundings) {
    this.#surroundings = surroundings;
  }

  answer(payload: Uint8Array): void {
    this.#finish({ payload });
  }

  refuse(error: StatusError): void {
    this.#finish(refusal(error));
  }

  whenOver(forget: () => void): void {
    if (this.#isOpen) this.#forget.push(forget);
    else forget();
  }

  /** Nobody waits any more. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#surroundings.over();
    for (const forget of this.#forget) forget();
  }

  #finish(response: GivenOf<typeof Response>): void {
    if (!this.#isOpen) return;
    this.close();
    this.#surroundings.respond(response);
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
    `message length ${bytes} exceed maximum message size of ${DATA_BYTES_MAX}`,
  );
}

function invalid(text: string): StatusError {
  return new StatusError("invalid argument", text);
}
