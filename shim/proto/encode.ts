// Messages to bytes, in protobuf's wire format. Defaults are left out, and fields go in the order of
// their table, which is that of their numbers, so that equal messages are equal bytes.

import type { Field, Fields, Given, Kind, Message, Scalar } from "./message.ts";

export const VARINT = 0;
export const FIXED_64 = 1;
export const DELIMITED = 2;
export const FIXED_32 = 5;

/** Encodes a message. */
export function encode<F extends Fields>(type: Message<F>, given: Given<F>): Buffer {
  const parts: Uint8Array[] = [];
  writeFields(parts, type, given);
  return Buffer.concat(parts);
}

function writeFields(
  parts: Uint8Array[],
  type: Message,
  given: Readonly<Record<string, unknown>>,
): void {
  for (const [name, field] of Object.entries(type.fields)) {
    const value = given[name];
    if (value === undefined) continue;
    if (!field.many) writeField(parts, field, value);
    else if (!Array.isArray(value)) throw wrong(type, name, value);
    else if (isPacked(field.kind)) writePacked(parts, field, value);
    else for (const item of value) writeItem(parts, field, item);
  }
}

/** proto3 packs numbers of a repeated field into one. */
export function isPacked(kind: Kind): boolean {
  return typeof kind === "string" && kind !== "string" && kind !== "bytes";
}

function writePacked(parts: Uint8Array[], field: Field, items: readonly unknown[]): void {
  if (items.length === 0) return;
  const packed = items.map((item) => content(field.kind, item));
  writeDelimited(parts, field, Buffer.concat(packed));
}

function writeField(parts: Uint8Array[], field: Field, value: unknown): void {
  if (!isDefault(value)) writeItem(parts, field, value);
}

/** -0 is none: it has a bit that is set. */
function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return Object.is(value, 0) || value === 0n || value === false || value === "";
}

function writeItem(parts: Uint8Array[], field: Field, value: unknown): void {
  const { number, kind } = field;
  const wireType = wireTypeOf(kind);
  const bytes = content(kind, value);
  if (wireType === DELIMITED) writeDelimited(parts, field, bytes);
  else parts.push(varint((number << 3) | wireType), bytes);
}

function writeDelimited(parts: Uint8Array[], { number }: Field, bytes: Uint8Array): void {
  parts.push(varint((number << 3) | DELIMITED), varint(bytes.length), bytes);
}

/** How values of a kind stand on the wire. */
export function wireTypeOf(kind: Kind): number {
  if (typeof kind !== "string" || kind === "string" || kind === "bytes") return DELIMITED;
  return kind === "double" ? FIXED_64 : VARINT;
}

function content(kind: Kind, value: unknown): Uint8Array {
  if (typeof kind !== "string") {
    const parts: Uint8Array[] = [];
    if (!isRecord(value)) throw new TypeError(`${kind.name} from ${typeof value}`);
    writeFields(parts, kind, value);
    return Buffer.concat(parts);
  }
  if (kind === "string" && typeof value === "string") return Buffer.from(value);
  if (kind === "bytes" && value instanceof Uint8Array) return value;
  if (kind === "bool" && typeof value === "boolean") return varint(value ? 1 : 0);
  if (kind === "double" && typeof value === "number") return double(value);
  return integer(kind, value);
}

function integer(kind: Scalar, value: unknown): Uint8Array {
  if (typeof value === "bigint") return bigVarint(value);
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new TypeError(`${kind} from ${String(value)}`);
  }
  return value < 0 ? bigVarint(BigInt(value)) : varint(value);
}

/** Of a number that is not negative. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Negative numbers are what they are in 64 bits: ten bytes. */
function bigVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function double(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function wrong(type: Message, name: string, value: unknown): TypeError {
  return new TypeError(`${type.name}.${name} from ${typeof value}`);
}
