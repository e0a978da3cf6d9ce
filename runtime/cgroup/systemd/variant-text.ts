// The text form of GVariant (GLib, "GVariant Text Format"), as far as D-Bus has its types: what
// `busctl` and `gdbus` users know, without maybe types.

import type { PropertyValue } from "../controllers/limits.ts";

/** A value with its type, or why the text is none. */
export function parseVariant(text: string): Typed | string {
  const tokens = tokensOf(text);
  if (typeof tokens === "string") return tokens;
  try {
    const reader = { tokens, at: 0 };
    const value = parseValue(reader);
    if (reader.at < tokens.length) throw unexpected(reader);
    return value;
  } catch (error) {
    if (error instanceof TextError) return error.message;
    throw error;
  }
}

export interface Typed {
  readonly type: string;
  readonly value: PropertyValue;
}

class TextError extends Error {}

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

const TOKEN =
  /\s+|b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*"|@[a-z(){}]+|[-+]?(?:0x[0-9a-fA-F]+|inf|nan|[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?)|[a-z][a-z0-9]*|[[\](){}<>,:]/suy;

function tokensOf(text: string): string[] | string {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; ) {
    TOKEN.lastIndex = at;
    const [token] = TOKEN.exec(text) ?? [];
    if (token === undefined) return `"${text.slice(at, at + 20)}" is no part of a value`;
    if (token.trim() !== "") tokens.push(token);
    at += token.length;
  }
  return tokens;
}

/** Words before a value that say its type. */
const PREFIXES: Readonly<Record<string, string>> = {
  ...{ boolean: "b", byte: "y", int16: "n", uint16: "q", int32: "i", uint32: "u" },
  ...{ handle: "h", int64: "x", uint64: "t", double: "d", string: "s" },
  ...{ objectpath: "o", signature: "g" },
};

const RANGES: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  y: [0n, 0xffn],
  n: [-0x8000n, 0x7fffn],
  q: [0n, 0xffffn],
  i: [-0x8000_0000n, 0x7fff_ffffn],
  u: [0n, 0xffff_ffffn],
  h: [0n, 0x7fff_ffffn],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
};

/** @param wanted the type, if what stands before the value has said it */
function parseValue(reader: Reader, wanted?: string): Typed {
  const token = reader.tokens[reader.at] ?? "";
  if (token.startsWith("@")) {
    reader.at++;
    return parseValue(reader, wanted ?? token.slice(1));
  }
  const prefix = PREFIXES[token];
  if (prefix !== undefined) {
    reader.at++;
    return parseValue(reader, wanted ?? prefix);
  }
  if (token === "[") return parseArray(reader, wanted);
  if (token === "(") return parseTuple(reader, wanted);
  if (token === "{") return parseDictionary(reader, wanted);
  if (token === "<") {
    reader.at++;
    const inner = parseValue(reader);
    expect(reader, ">");
    return typed("v", wanted, inner);
  }
  return parseSimple(reader, token, wanted);
}

function parseSimple(reader: Reader, token: string, wanted: string | undefined): Typed {
  if (token === "true" || token === "false") {
    reader.at++;
    return typed("b", wanted, token === "true");
  }
  if (/^b['"]/.test(token)) {
    reader.at++;
    return typed("ay", wanted, [...Buffer.from(unquoted(token.slice(1))), 0]);
  }
  if (/^['"]/.test(token)) {
    reader.at++;
    const type = wanted === "o" || wanted === "g" ? wanted : "s";
    return typed(type, wanted, unquoted(token));
  }
  if (/^[-+]?([0-9]|inf$|nan$)/.test(token)) {
    reader.at++;
    return numberOf(token, wanted);
  }
  throw unexpected(reader);
}

function numberOf(token: string, wanted: string | undefined): Typed {
  const isWhole = /^[-+]?(0x[0-9a-fA-F]+|[0-9]+)$/.test(token);
  const type = wanted ?? (isWhole ? "i" : "d");
  if (type === "d") return { type, value: Number(token.replace(/inf$/, "Infinity")) };
  const [least, most] = RANGES[type] ?? [1n, 0n];
  const sign = token.startsWith("-") ? -1n : 1n;
  const number = isWhole ? sign * BigInt(token.replace(/^[-+]/, "")) : undefined;
  if (number === undefined || number < least || number > most) {
    throw new TextError(`${token} is no value of type ${type}`);
  }
  return { type, value: type === "x" || type === "t" ? `${number}` : Number(number) };
}

function parseArray(reader: Reader, wanted: string | undefined): Typed {
  const items: Typed[] = [];
  let element = wanted?.startsWith("a") ? wanted.slice(1) : undefined;
  parseList(reader, "]", () => {
    const item = parseValue(reader, element);
    element ??= item.type;
    items.push(typed(element, item.type, item.value));
  });
  if (element === undefined) throw new TextError("the type of an empty array is not known: @as []");
  const value = items.map((item) => item.value);
  return typed(`a${element}`, wanted, value);
}

function parseTuple(reader: Reader, wanted: string | undefined): Typed {
  const fields: Typed[] = [];
  const types = wanted === undefined ? [] : tupleTypes(wanted);
  parseList(reader, ")", () => fields.push(parseValue(reader, types[fields.length])));
  const type = `(${fields.map((field) => field.type).join("")})`;
  return typed(
    type,
    wanted,
    fields.map(({ value }) => value),
  );
}

function parseDictionary(reader: Reader, wanted: string | undefined): Typed {
  const entries: PropertyValue[] = [];
  let types = wanted?.startsWith("a{") ? tupleTypes(wanted.slice(1)) : [];
  parseList(reader, "}", () => {
    const key = parseValue(reader, types[0]);
    expect(reader, ":");
    const item = parseValue(reader, types[1]);
    types = [key.type, item.type];
    entries.push([key.value, item.value]);
  });
  if (types.length === 0) throw new TextError("the type of {} is not known: @a{sv} {}");
  return typed(`a{${types.join("")}}`, wanted, entries);
}

function parseList(reader: Reader, end: string, item: () => void): void {
  reader.at++;
  while (reader.tokens[reader.at] !== end) {
    item();
    if (reader.tokens[reader.at] === ",") reader.at++;
    else if (reader.tokens[reader.at] !== end) throw unexpected(reader);
  }
  reader.at++;
}

/** The complete types inside of `(…)` or `{…}`. */
function tupleTypes(type: string): string[] {
  return type.slice(1, -1).match(/a*(?:[a-z]|[({](?:[^(){}]|[({][^(){}]*[)}])*[)}])/g) ?? [];
}

function typed(type: string, wanted: string | undefined, value: PropertyValue): Typed {
  if (wanted !== undefined && wanted !== type) {
    throw new TextError(`a value of type ${type} stands where ${wanted} is said to be`);
  }
  return { type, value };
}

function expect(reader: Reader, token: string): void {
  if (reader.tokens[reader.at] !== token) throw unexpected(reader);
  reader.at++;
}

function unexpected({ tokens, at }: Reader): TextError {
  const found = tokens[at];
  return new TextError(found === undefined ? "it ends too early" : `"${found}" cannot stand there`);
}

/** With the escapes of C (GLib, "Strings"). */
function unquoted(token: string): string {
  const names: Readonly<Record<string, string>> = {
    ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  };
  return token
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gs, (_, short, long, letter) =>
      letter === undefined
        ? String.fromCodePoint(Number.parseInt(short ?? long, 16))
        : (names[letter] ?? letter),
    );
}
