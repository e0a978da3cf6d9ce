// From values to the bytes of D-Bus, little-endian (D-Bus specification, "Marshaling").

import { alignmentOf, completeTypes, fieldTypes, type Value, type Variant } from "./value.ts";

/** The values of a signature one after the other, as they stand at the beginning of a message. */
export function marshal(signature: string, values: readonly Value[]): Buffer {
  const bytes: number[] = [];
  for (const [index, type] of completeTypes(signature).entries()) {
    put(bytes, type, values[index]);
  }
  return Buffer.from(bytes);
}

/** Zeros up to the next multiple of a boundary. */
export function pad(bytes: number[], boundary: number): void {
  while (bytes.length % boundary !== 0) bytes.push(0);
}

/** Whole numbers by their size in bytes; a boolean is one of four. */
const INTEGERS: Readonly<Record<string, number>> = {
  ...{ y: 1, n: 2, q: 2, b: 4, i: 4, u: 4, h: 4, x: 8, t: 8 },
};
/** Texts by the size of their length. */
const TEXTS: Readonly<Record<string, number>> = { s: 4, o: 4, g: 1 };

function put(bytes: number[], type: string, value: Value | undefined): void {
  pad(bytes, alignmentOf(type));
  const integerSize = INTEGERS[type];
  const lengthSize = TEXTS[type];
  if (integerSize !== undefined) putInteger(bytes, integerSize, value);
  else if (lengthSize !== undefined) putText(bytes, lengthSize, value);
  else if (type === "d") bytes.push(...Buffer.from(Float64Array.of(Number(value)).buffer));
  else if (type === "v") putVariant(bytes, value);
  else if (type.startsWith("a")) putArray(bytes, type.slice(1), listOf(value));
  else putFields(bytes, fieldTypes(type), listOf(value));
}

function putInteger(bytes: number[], size: number, value: Value | undefined): void {
  const number = typeof value === "bigint" ? value : BigInt(textOrNumber(value));
  for (let shift = 0n; shift < BigInt(size) * 8n; shift += 8n) {
    bytes.push(Number((number >> shift) & 0xffn));
  }
}

/** Length, bytes and a NUL that does not count. */
function putText(bytes: number[], lengthSize: number, value: Value | undefined): void {
  const text = Buffer.from(`${textOrNumber(value)}`);
  putInteger(bytes, lengthSize, text.length);
  bytes.push(...text, 0);
}

function putVariant(bytes: number[], value: Value | undefined): void {
  const { type, value: inner } = variantOf(value);
  putText(bytes, 1, type);
  put(bytes, type, inner);
}

/** The length counts neither itself nor the padding before the first element. */
function putArray(bytes: number[], type: string, elements: readonly Value[]): void {
  const lengthAt = bytes.length;
  bytes.push(0, 0, 0, 0);
  pad(bytes, alignmentOf(type));
  const start = bytes.length;
  for (const element of elements) put(bytes, type, element);
  const length: number[] = [];
  putInteger(length, 4, bytes.length - start);
  bytes.splice(lengthAt, 4, ...length);
}

function putFields(bytes: number[], types: readonly string[], fields: readonly Value[]): void {
  for (const [index, type] of types.entries()) put(bytes, type, fields[index]);
}

function listOf(value: Value | undefined): readonly Value[] {
  if (!Array.isArray(value)) throw new Error(`${JSON.stringify(value)} is not a list`);
  return value;
}

function variantOf(value: Value | undefined): Variant {
  if (typeof value === "object" && "type" in value) return value;
  throw new Error(`${JSON.stringify(value)} is not a variant`);
}

function textOrNumber(value: Value | undefined): string | number {
  if (typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  throw new Error(`${JSON.stringify(value)} is neither a text nor a number`);
}
