// Messages of D-Bus: a header with fields, and a body (D-Bus specification, "Message Protocol").

import { RuntimeError } from "../errors.ts";
import { marshal, pad } from "./marshal.ts";
import { unmarshal, unmarshalFrom } from "./unmarshal.ts";
import type { Value } from "./value.ts";

export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;

/** Header fields: their names here, and code and type on the wire. */
const FIELDS = [
  ["path", 1, "o"],
  ["interface", 2, "s"],
  ["member", 3, "s"],
  ["errorName", 4, "s"],
  ["destination", 6, "s"],
  ["sender", 7, "s"],
  ["signature", 8, "g"],
] as const;
const REPLY_SERIAL = 5;

/** Up to the length of the header fields, which tells how long the header is. */
const FIXED_BYTES = 16;
/** What the specification allows, header and all. */
const MESSAGE_BYTES_MAX = 2 ** 27;

export interface Message {
  readonly kind: number;
  readonly serial: number;
  /** Serial of the call that this is the answer to. */
  readonly replySerial?: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly destination?: string;
  readonly sender?: string;
  /** Types of the body's values. */
  readonly signature?: string;
  readonly body: Buffer;
}

/** A message as bytes. Only what its receiver answers has to have a serial of its own. */
export function messageBytes(message: Message): Buffer {
  const fields: Value[] = [];
  for (const [name, code, type] of FIELDS) {
    const value = message[name];
    if (value !== undefined && value !== "") fields.push([code, { type, value }]);
  }
  if (message.replySerial !== undefined) {
    fields.push([REPLY_SERIAL, { type: "u", value: message.replySerial }]);
  }
  const { kind, serial, body } = message;
  const start = ["l".charCodeAt(0), kind, 0, 1, body.length, serial];
  const header = [...marshal("yyyyuua(yv)", [...start, fields])];
  pad(header, 8);
  return Buffer.concat([Buffer.from(header), body]);
}

/**
 * The message at the beginning of `bytes` and its length; undefined as long as it is not all there.
 * @throws RuntimeError if that is no message
 */
export function messageFrom(bytes: Buffer): { message: Message; length: number } | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  if (bytes[0] !== "l".charCodeAt(0) || bytes[3] !== 1) {
    throw new RuntimeError("what has come is no little-endian D-Bus message of version 1");
  }
  const bodyLength = bytes.readUInt32LE(4);
  const headerLength = Math.ceil((FIXED_BYTES + bytes.readUInt32LE(12)) / 8) * 8;
  const length = headerLength + bodyLength;
  if (length > MESSAGE_BYTES_MAX) throw new RuntimeError(`a D-Bus message of ${length} bytes`);
  if (bytes.length < length) return undefined;
  const cursor = { bytes: bytes.subarray(0, headerLength), at: 0, depth: 0 };
  const [, kind, , , , serial, fields] = unmarshalFrom(cursor, "yyyyuua(yv)");
  const message = {
    kind: Number(kind),
    serial: Number(serial),
    ...namedFields(Array.isArray(fields) ? fields : []),
    body: Buffer.from(bytes.subarray(headerLength, length)),
  };
  return { message, length };
}

/** The values of a message's body. */
export function bodyOf({ signature = "", body }: Message): Value[] {
  return unmarshal(signature, body);
}

function namedFields(fields: readonly Value[]): Partial<Message> {
  const found: Record<string, string | number> = {};
  for (const field of fields) {
    if (!Array.isArray(field)) continue;
    const [code, variant] = field;
    const value = typeof variant === "object" && "value" in variant ? variant.value : undefined;
    const name = FIELDS.find(([, number]) => number === code)?.[0];
    if (name !== undefined && typeof value === "string") found[name] = value;
    if (code === REPLY_SERIAL && typeof value === "number") found["replySerial"] = value;
  }
  return found;
}
