// Messages to bytes, in protobuf's wire format. Defaults are left out, and fields go in the order of
// their table, which is that of their numbers, so that equal messages are equal bytes.

import type { Field, Fields, Given, Kind, Message, Scalar } from "./message.ts";

export const VARINT = 0;
export const FIXED_64 = 1;
export const DELIMITED = 2;
export const FIXED_32 = 5;

/**
 * Where messages are written, from the end towards the beginning: a length stands before what it
 * counts. Kept from one message to the next, as they are many, and garbage takes time and memory.
 */
let room = Buffer.alloc(0);
/** Where the bytes written so far begin. */
let begin = 0;
const ROOM_BYTES_MIN = 1_024;
/** Of a room that is kept. */
const ROOM_BYTES_MAX = 65_536;

/** Encodes a message. */
export function encode<F extends Fields>(type: Message<F>, given: Given<F>): Buffer {
  begin = room.length;
  writeFields(type, given);
  const bytes = Buffer.alloc(room.length - begin);
  room.copy(bytes, 0, begin);
  if (room.length > ROOM_BYTES_MAX) room = Buffer.alloc(0);
  return bytes;
}

/** Makes room for so many bytes before those that are there; returns where it is. */
function reserve(length: number): number {
  if (begin < length) {
    const larger = Buffer.alloc(Math.max(ROOM_BYTES_MIN, 2 * (room.length + length)));
    const moved = larger.length - room.length;
    room.copy(larger, begin + moved, begin);
    room = larger;
    begin += moved;
  }
  begin -= length;
  return begin;
}

function writeFields(type: Message, given: Readonly<Record<string, unknown>>): void {
  for (const [name, field] of backwards(type)) {
    const value = given[name];
    if (value === undefined) continue;
    if (!field.many) {
      if (!isDefault(value)) writeItem(field, value);
    } else if (!Array.isArray(value)) throw wrong(type, name, value);
    else if (isPacked(field.kind)) writePacked(field, value);
    else for (const item of value.toReversed()) writeItem(field, item);
  }
}

const known = new Map<Message, [name: string, field: Field][]>();

/** Fields from the last to the first: listed once for each type that is ever sent. */
function backwards(type: Message): readonly [name: string, field: Field][] {
  let fields = known.get(type);
  if (fields === undefined) {
    fields = Object.entries(type.fields).reverse();
    known.set(type, fields);
  }
  return fields;
}

/** proto3 packs numbers of a repeated field into one. */
export function isPacked(kind: Kind): kind is Scalar {
  return typeof kind === "string" && kind !== "string" && kind !== "bytes";
}

function writePacked({ number, kind }: Field, items: readonly unknown[]): void {
  if (items.length === 0) return;
  const end = room.length - begin;
  for (const item of items.toReversed()) writeContent(kind, item);
  writeVarint(room.length - begin - end);
  writeTag(number, DELIMITED);
}

/** -0 is none: it has a bit that is set. */
function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return Object.is(value, 0) || value === 0n || value === false || value === "";
}

function writeItem({ number, kind }: Field, value: unknown): void {
  const wireType = wireTypeOf(kind);
  const end = room.length - begin;
  writeContent(kind, value);
  if (wireType === DELIMITED) writeVarint(room.length - begin - end);
  writeTag(number, wireType);
}

function writeTag(number: number, wireType: number): void {
  writeVarint((number << 3) | wireType);
}

/** How values of a kind stand on the wire. */
export function wireTypeOf(kind: Kind): number {
  if (typeof kind !== "string" || kind === "string" || kind === "bytes") return DELIMITED;
  return kind === "double" ? FIXED_64 : VARINT;
}

function writeContent(kind: Kind, value: unknown): void {
  if (typeof kind !== "string") {
    if (!isRecord(value)) throw new TypeError(`${kind.name} from ${typeof value}`);
    writeFields(kind, value);
  } else if (kind === "string" && typeof value === "string") {
    const at = reserve(Buffer.byteLength(value));
    room.write(value, at);
  } else if (kind === "bytes" && value instanceof Uint8Array) {
    const at = reserve(value.length);
    room.set(value, at);
  } else if (kind === "bool" && typeof value === "boolean") writeVarint(value ? 1 : 0);
  else if (kind === "double" && typeof value === "number") {
    const at = reserve(8);
    room.writeDoubleLE(value, at);
  } else writeInteger(kind, value);
}

function writeInteger(kind: Scalar, value: unknown): void {
  if (typeof value === "bigint") writeBigVarint(value);
  else if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new TypeError(`${kind} from ${String(value)}`);
  } else if (value < 0) writeBigVarint(BigInt(value));
  else writeVarint(value);
}

/** Of a number that is not negative. */
function writeVarint(value: number): void {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length++;
  let at = reserve(length);
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) room[at++] = (rest % 128) | 0x80;
  room[at] = rest;
}

/** Negative numbers are what they are in 64 bits: ten bytes. */
function writeBigVarint(value: bigint): void {
  const whole = BigInt.asUintN(64, value);
  if (whole <= Number.MAX_SAFE_INTEGER) {
    writeVarint(Number(whole));
    return;
  }
  const high = whole >> 49n;
  const low = Number(whole & 0x1_ffff_ffff_ffffn);
  writeVarint(Number(high));
  // Seven digits of base 128, all of which are followed by another one.
  let at = reserve(7);
  for (let digit = 0, rest = low; digit < 7; digit++, rest = Math.floor(rest / 128)) {
    room[at++] = (rest % 128) | 0x80;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function wrong(type: Message, name: string, value: unknown): TypeError {
  return new TypeError(`${type.name}.${name} from ${typeof value}`);
}
