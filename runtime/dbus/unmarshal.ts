// From the bytes of D-Bus to values (D-Bus specification, "Marshaling"). What comes is not trusted:
// every length is checked.

import { RuntimeError } from "../errors.ts";
import { alignmentOf, completeTypes, fieldTypes, type Value } from "./value.ts";

/** Arrays of arrays of variants; the specification allows 64 levels. */
const DEPTH_MAX = 64;

/**
 * The values of a signature at the beginning of `bytes`, little-endian. Numbers of 64 bits are
 * bigint.
 * @throws RuntimeError if the bytes are not of that signature
 */
export function unmarshal(signature: string, bytes: Buffer): Value[] {
  return unmarshalFrom({ bytes, at: 0, depth: 0 }, signature);
}

/** A place in a message. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
  depth: number;
}

/** As {@link unmarshal}, from where a cursor stands, which moves on behind the values. */
export function unmarshalFrom(cursor: Cursor, signature: string): Value[] {
  return completeTypes(signature).map((type) => take(cursor, type));
}

function take(cursor: Cursor, type: string): Value {
  align(cursor, alignmentOf(type));
  switch (type[0]) {
    case "y":
      return skip(cursor, 1).readUInt8();
    case "n":
      return skip(cursor, 2).readInt16LE();
    case "q":
      return skip(cursor, 2).readUInt16LE();
    case "b":
      return skip(cursor, 4).readUInt32LE() !== 0;
    case "i":
      return skip(cursor, 4).readInt32LE();
    case "u":
    case "h":
      return skip(cursor, 4).readUInt32LE();
    case "x":
      return skip(cursor, 8).readBigInt64LE();
    case "t":
      return skip(cursor, 8).readBigUInt64LE();
    case "d":
      return skip(cursor, 8).readDoubleLE();
    case "s":
    case "o":
      return takeText(cursor, skip(cursor, 4).readUInt32LE());
    case "g":
      return takeText(cursor, skip(cursor, 1).readUInt8());
    case "v":
      return takeVariant(cursor);
    case "a":
      return takeArray(cursor, type.slice(1));
    default:
      return deeper(cursor, () => fieldTypes(type).map((field) => take(cursor, field)));
  }
}

function takeText(cursor: Cursor, length: number): string {
  return skip(cursor, length + 1).toString("utf8", 0, length);
}

function takeVariant(cursor: Cursor): Value {
  const type = takeText(cursor, skip(cursor, 1).readUInt8());
  return deeper(cursor, () => ({ type, value: take(cursor, type) }));
}

function takeArray(cursor: Cursor, type: string): Value[] {
  const length = skip(cursor, 4).readUInt32LE();
  align(cursor, alignmentOf(type));
  const end = cursor.at + length;
  if (end > cursor.bytes.length) throw malformed("an array ends behind it");
  const elements: Value[] = [];
  deeper(cursor, () => {
    while (cursor.at < end) elements.push(take(cursor, type));
  });
  return elements;
}

function deeper<T>(cursor: Cursor, use: () => T): T {
  if (++cursor.depth > DEPTH_MAX) throw malformed("its values stand too deep in each other");
  const result = use();
  cursor.depth--;
  return result;
}

function align(cursor: Cursor, boundary: number): void {
  cursor.at = Math.ceil(cursor.at / boundary) * boundary;
}

function skip(cursor: Cursor, length: number): Buffer {
  const start = cursor.at;
  cursor.at += length;
  if (cursor.at > cursor.bytes.length) throw malformed("it is too short");
  return cursor.bytes.subarray(start, cursor.at);
}

function malformed(why: string): RuntimeError {
  return new RuntimeError(`a D-Bus message is malformed: ${why}`);
}
