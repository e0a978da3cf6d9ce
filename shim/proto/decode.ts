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
}

/**
 * Decodes a message.
 * @throws DecodeError when the bytes end too early, or a field has another type
 */
export function decode<F extends Fields>(type: Message<F>, bytes: Uint8Array): Value<F>;
export function decode(type: Message, bytes: Uint8Array): Draft {
  // It has all fields from the beginning, and each gets what its kind reads.
  const value = defaultsOf(type);
  readFields({ bytes, at: 0 }, type, value);
  return value;
}

type Draft = Record<string, unknown>;

function defaultsOf(type: Message): Draft {
  const value: Draft = {};
  for (const [name, { kind, many }] of Object.entries(type.fields)) {
    value[name] = many ? [] : typeof kind === "string" ? DEFAULTS[kind] : undefined;
  }
  return value;
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

function readFields(reader: Reader, type: Message, value: Draft): void {
  const fields = fieldsOf(type);
  while (reader.at < reader.bytes.length) {
    const tag = Number(readVarint(reader));
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (number === 0 || number > FIELD_NUMBER_MAX) {
      throw new DecodeError(`${type.name} has a field number ${number}`);
    }
    const found = fields.get(number);
    if (found === undefined) skip(reader, wireType);
    else readField(reader, { type, name: found[0], field: found[1], wireType }, value);
  }
}

type ByNumber = ReadonlyMap<number, [name: string, field: Field]>;

const known = new Map<Message, ByNumber>();

/** Fields by their numbers: made once for each type that ever comes. */
function fieldsOf(type: Message): ByNumber {
  let fields = known.get(type);
  if (fields === undefined) {
    fields = new Map(Object.entries(type.fields).map((entry) => [entry[1].number, entry]));
    known.set(type, fields);
  }
  return fields;
}

interface Place {
  type: Message;
  name: string;
  field: Field;
  wireType: number;
}

function readField(reader: Reader, place: Place, value: Draft): void {
  const { name, field, wireType } = place;
  const { kind, many } = field;
  const items = value[name];
  // A sub-message that comes twice is merged; of anything else the last one counts.
  if (!many || !Array.isArray(items)) value[name] = readItem(reader, place, items);
  else if (wireType === DELIMITED && isPacked(kind)) readPacked(reader, kind, items);
  else items.push(readItem(reader, place, undefined));
}

function readPacked(reader: Reader, kind: Kind, items: unknown[]): void {
  const packed: Reader = { bytes: readDelimited(reader), at: 0 };
  while (packed.at < packed.bytes.length) items.push(readScalar(packed, kind));
}

function readItem(reader: Reader, { type, name, field, wireType }: Place, earlier: unknown) {
  const { kind } = field;
  if (wireType !== wireTypeOf(kind)) {
    throw new DecodeError(`${type.name}.${name} has the wire type ${wireType}`);
  }
  if (typeof kind === "string") return readScalar(reader, kind);
  const draft = isDraft(earlier) ? earlier : defaultsOf(kind);
  readFields({ bytes: readDelimited(reader), at: 0 }, kind, draft);
  return draft;
}

function isDraft(value: unknown): value is Draft {
  return typeof value === "object" && value !== null;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readScalar(reader: Reader, kind: Kind): unknown {
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
  const byte = reader.bytes[reader.at++];
  if (byte === undefined) throw new DecodeError("the message ends inside a number");
  return byte;
}

function readDelimited(reader: Reader): Uint8Array {
  return take(reader, Number(readVarint(reader)));
}

function readDouble(reader: Reader): number {
  const bytes = take(reader, 8);
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
}

function take(reader: Reader, length: number): Uint8Array {
  const end = reader.at + length;
  if (end > reader.bytes.length) throw new DecodeError(`the message ends before ${length} bytes`);
  const bytes = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return bytes;
}

function skip(reader: Reader, wireType: number): void {
  if (wireType === VARINT) readVarint(reader);
  else if (wireType === FIXED_64) take(reader, 8);
  else if (wireType === DELIMITED) readDelimited(reader);
  else if (wireType === FIXED_32) take(reader, 4);
  else throw new DecodeError(`a field has the wire type ${wireType}`);
}
