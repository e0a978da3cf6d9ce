// Bytes to messages. Whoever sent them may be anyone: lengths are checked, unknown fields skipped.

import { DELIMITED, FIXED_32, FIXED_64, isPacked, VARINT, wireTypeOf } from "./encode.ts";
import type { Field, Fields, Kind, Message, Scalar, Value } from "./message.ts";

/** Bytes that are no message of the type asked for. */
export class DecodeError extends Error {
  override name = "DecodeError";
}

const FIELD_NUMBER_MAX = 2 ** 29 - 1;

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
  /** Of the message, or sub-message, that is being read. */
  end: number;
}

/**
 * Decodes a message.
 * @throws DecodeError when the bytes end too early, or a field has another type
 */
export function decode<F extends Fields>(type: Message<F>, bytes: Uint8Array): Value<F>;
export function decode(type: Message, bytes: Uint8Array): Draft {
  return readMessage({ bytes, at: 0, end: bytes.length }, type, undefined);
}

type Draft = Record<string, unknown>;

/** What is known of a type: worked out once for each that ever comes. */
interface Known {
  /** A message of this type without any field. */
  readonly empty: Draft;
  /** Fields of which there may be many: each message has lists of its own. */
  readonly lists: readonly string[];
  readonly fields: ReadonlyMap<number, Place>;
}

interface Place {
  readonly type: Message;
  readonly name: string;
  readonly field: Field;
}

const known = new Map<Message, Known>();

function knownOf(type: Message): Known {
  let found = known.get(type);
  if (found === undefined) {
    const entries = Object.entries(type.fields);
    found = {
      empty: Object.fromEntries(entries.map(([name, field]) => [name, defaultOf(field)])),
      lists: entries.filter(([, { many }]) => many).map(([name]) => name),
      fields: new Map(entries.map(([name, field]) => [field.number, { type, name, field }])),
    };
    known.set(type, found);
  }
  return found;
}

function defaultOf({ kind }: Field): unknown {
  return typeof kind === "string" ? DEFAULTS[kind] : undefined;
}

const DEFAULTS: Readonly<Record<Scalar, unknown>> = {
  string: "",
  bytes: new Uint8Array(0),
  bool: false,
  int32: 0,
  uint32: 0,
  enum: 0,
  int64: 0n,
  uint64: 0n,
  double: 0,
};

/** Reads a message to its end; what has come of it before is in `earlier`. */
function readMessage(reader: Reader, type: Message, earlier: Draft | undefined): Draft {
  const { empty, lists, fields } = knownOf(type);
  // It has all fields from the beginning, and each gets what its kind reads.
  const value = earlier ?? { ...empty };
  if (earlier === undefined) for (const name of lists) value[name] = [];
  while (reader.at < reader.end) {
    const tag = Number(readVarint(reader));
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    const place = fields.get(number);
    if (place !== undefined) readField(reader, place, { wireType, value });
    else if (number > 0 && number <= FIELD_NUMBER_MAX) skip(reader, wireType);
    else throw new DecodeError(`${type.name} has a field number ${number}`);
  }
  return value;
}

interface Found {
  wireType: number;
  /** What the field is to be in. */
  value: Draft;
}

function readField(reader: Reader, { type, name, field }: Place, { wireType, value }: Found): void {
  const { kind, many } = field;
  const items = value[name];
  if (many && wireType === DELIMITED && isPacked(kind) && Array.isArray(items)) {
    readPacked(reader, kind, items);
    return;
  }
  if (wireType !== wireTypeOf(kind)) {
    throw new DecodeError(`${type.name}.${name} has the wire type ${wireType}`);
  }
  // A sub-message that comes twice is merged; of anything else the last one counts.
  if (many && Array.isArray(items)) items.push(readItem(reader, kind, undefined));
  else value[name] = readItem(reader, kind, items);
}

function readPacked(reader: Reader, kind: Scalar, items: unknown[]): void {
  const after = reader.end;
  reader.end = endOfDelimited(reader);
  while (reader.at < reader.end) items.push(readScalar(reader, kind));
  reader.end = after;
}

function readItem(reader: Reader, kind: Kind, earlier: unknown): unknown {
  if (typeof kind === "string") return readScalar(reader, kind);
  const after = reader.end;
  reader.end = endOfDelimited(reader);
  const value = readMessage(reader, kind, isDraft(earlier) ? earlier : undefined);
  reader.end = after;
  return value;
}

function isDraft(value: unknown): value is Draft {
  return typeof value === "object" && value !== null;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readScalar(reader: Reader, kind: Scalar): unknown {
  if (kind === "string") return text(readDelimited(reader));
  if (kind === "bytes") return readDelimited(reader);
  if (kind === "double") return readDouble(reader);
  const value = readVarint(reader);
  if (kind === "bool") return BigInt(value) !== 0n;
  if (kind === "uint64") return BigInt(value);
  if (kind === "int64") return BigInt.asIntN(64, BigInt(value));
  if (typeof value === "number" && value < 2 ** 31) return value;
  // Of what is longer the lower half counts.
  const low = Number(BigInt.asUintN(32, BigInt(value)));
  return kind === "uint32" ? low : low | 0;
}

function text(bytes: Uint8Array): string {
  try {
    return UTF_8.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new DecodeError("a string is not UTF-8");
  }
}

/** Seven digits of base 128 are exact in a number, and nearly all there are. */
function readVarint(reader: Reader): number | bigint {
  let value = 0;
  for (let digit = 0, unit = 1; digit < 7; digit++, unit *= 128) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return value;
  }
  let large = BigInt(value);
  for (let shift = 49n; shift < 70n; shift += 7n) {
    const byte = readByte(reader);
    large |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, large);
  }
  throw new DecodeError("a number has more than ten bytes");
}

function readByte(reader: Reader): number {
  const byte = reader.at < reader.end ? reader.bytes[reader.at++] : undefined;
  if (byte === undefined) throw new DecodeError("the message ends inside a number");
  return byte;
}

/** Reads a length; returns where what has it ends. */
function endOfDelimited(reader: Reader): number {
  const length = Number(readVarint(reader));
  const end = reader.at + length;
  if (end > reader.end) throw new DecodeError(`the message ends before ${length} bytes`);
  return end;
}

function readDelimited(reader: Reader): Uint8Array {
  const end = endOfDelimited(reader);
  const bytes = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return bytes;
}

function readDouble(reader: Reader): number {
  const { bytes, at } = reader;
  pass(reader, 8);
  return new DataView(bytes.buffer, bytes.byteOffset + at).getFloat64(0, true);
}

function pass(reader: Reader, length: number): void {
  if (reader.at + length > reader.end) {
    throw new DecodeError(`the message ends before ${length} bytes`);
  }
  reader.at += length;
}

function skip(reader: Reader, wireType: number): void {
  if (wireType === VARINT) readVarint(reader);
  else if (wireType === FIXED_64) pass(reader, 8);
  else if (wireType === DELIMITED) reader.at = endOfDelimited(reader);
  else if (wireType === FIXED_32) pass(reader, 4);
  else throw new DecodeError(`a field has the wire type ${wireType}`);
}
