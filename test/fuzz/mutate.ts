// Configurations changed in their structure, by a seed: something is taken away, doubled, grafted,
// put where another type belongs, misspelt, or made extreme.

import { childNode, resolveNode, type SchemaNode } from "../../runtime/config/schema-node.ts";
import { schemaTable } from "../../runtime/config/schemas.gen.ts";
import type { Random } from "../support/random.ts";

type Tree = Record<string, unknown>;

const TABLE = schemaTable();

/** One value of a document: where it hangs, and what the schema says of it. */
interface Spot {
  holder: Tree | unknown[];
  key: string;
  node: SchemaNode;
}

/** A configuration to graft parts from, and the ways to all of them. */
export interface Donor {
  config: unknown;
  ways: readonly (readonly string[])[];
}

export function donorOf(config: unknown): Donor {
  return { config, ways: waysOf(config, []) };
}

/** The text of a configuration with one to five changes. */
export function mutated(config: unknown, donor: Donor, random: Random): string {
  const copy: unknown = JSON.parse(JSON.stringify(config));
  for (let left = random.pick([1, 1, 1, 2, 2, 3, 5]); left > 0; left--) {
    const spots = spotsOf(copy);
    if (spots.length === 0) break;
    random.pick(CHANGES)(random.pick(spots), { random, spots, donor });
  }
  const text = JSON.stringify(copy).replace(/"@raw:([^"]*)@"/g, "$1");
  return random.below(20) === 0 ? brokenText(text, random) : text;
}

interface Means {
  random: Random;
  spots: readonly Spot[];
  donor: Donor;
}

type Change = (spot: Spot, means: Means) => void;

const CHANGES: readonly Change[] = [
  remove,
  remove,
  (spot, { random }) => put(spot, random.pick(VALUES)()),
  (spot, { random }) => put(spot, random.pick(NUMBERS)),
  (spot, { random }) => put(spot, random.pick(STRINGS)()),
  (spot, { random, spots }) => put(spot, valueAt(random.pick(spots))),
  putOfEnum,
  putOfEnum,
  double,
  misspell,
  addKey,
  graft,
  graft,
  graft,
];

/** Written as they are: most do not fit a number of JavaScript's. */
const NUMBERS: readonly string[] = [
  "0",
  "-0",
  "-1",
  "1",
  "7",
  "511",
  "512",
  "65535",
  "65536",
  "2147483647",
  "2147483648",
  "-2147483649",
  "4294967295",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775808",
  "18446744073709551615",
  "18446744073709551616",
  "0.5",
  "1e3",
  "1e308",
  "-1e400",
  "1e-400",
].map((digits) => `@raw:${digits}@`);

const STRINGS: readonly (() => string)[] = [
  "",
  " ",
  "/",
  ".",
  "..",
  "/..",
  "../../../../etc",
  "//x//./y/",
  "/proc/self/fd/1",
  "a\0b",
  "\0",
  "a\nb",
  "\u001b[31m",
  "\ud800",
  "\u202e",
  "%s%n",
  "=",
  "A=",
  "=A",
  "name=",
  "-1",
  "true",
  "$HOME",
  "__proto__",
  "constructor",
  "toString",
  "é".repeat(200),
].map((text) => () => text);

const LONG: readonly (() => string)[] = [256, 4095, 4096, 70_000, 300_000].map(
  (length) => () => `/${"x".repeat(length)}`,
);

const VALUES: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => false,
  () => 3,
  () => "text",
  () => [],
  () => ({}),
  () => [null],
  () => [[]],
  () => ["x", "x"],
  () => ({ "": "" }),
  () => ({ path: "/x", type: "x", name: "x" }),
  () => nested(100),
  () => nested(5000),
  () => Array.from({ length: 3000 }, (_, index) => index),
  () => Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`key${index}`, "x"])),
  ...LONG,
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

function remove({ holder, key }: Spot): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function put(spot: Spot, value: unknown): void {
  Reflect.set(spot.holder, spot.key, structuredClone(value));
}

function valueAt({ holder, key }: Spot): unknown {
  return Reflect.get(holder, key);
}

/** Another value of a closed list, of this place's or of any. */
function putOfEnum(spot: Spot, { random }: Means): void {
  const all = Object.values(TABLE).flatMap((node) => node.enum ?? []);
  put(spot, random.pick(spot.node.enum ?? all));
}

/** An entry again, or the entries many times; a key again under another name. */
function double(spot: Spot, { random }: Means): void {
  const { holder, key } = spot;
  const value = valueAt(spot);
  if (Array.isArray(holder))
    holder.splice(random.below(holder.length + 1), 0, structuredClone(value));
  else if (Array.isArray(value)) put(spot, Array.from({ length: 50 }, () => value).flat());
  else holder[`${key}2`] = structuredClone(value);
}

function misspell({ holder, key }: Spot, { random }: Means): void {
  if (Array.isArray(holder)) return;
  const at = random.below(key.length + 1);
  const slips = [
    key.slice(0, at) + key.slice(at + 1),
    `${key.slice(0, at)}x${key.slice(at)}`,
    key.toUpperCase(),
    `${key} `,
    "__proto__",
  ];
  const value = holder[key];
  delete holder[key];
  Object.defineProperty(holder, random.pick(slips), {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function addKey(spot: Spot, { random }: Means): void {
  const value = valueAt(spot);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const known = Object.keys(spot.node.properties ?? {});
  const names = ["toString", "constructor", "__proto__", "length", "org.example/a~b", ...known];
  const key = random.pick(names);
  const content = random.pick([...VALUES, ...STRINGS])();
  Object.defineProperty(value, key, {
    value: content,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** A part that another configuration has, at its own place; what is on the way is made. */
function graft({ holder }: Spot, { random, donor, spots }: Means): void {
  const [first] = spots;
  const top = first?.holder ?? holder;
  const way = random.pick(donor.ways);
  let from: unknown = donor.config;
  let to: object = top;
  for (const key of way.slice(0, -1)) {
    from = Reflect.get(Object(from), key);
    const next: unknown = Reflect.get(to, key);
    if (typeof next === "object" && next !== null) to = next;
    else {
      const made = Array.isArray(from) ? [] : {};
      Reflect.set(to, key, made);
      to = made;
    }
  }
  const last = way.at(-1) ?? "";
  Reflect.set(to, last, structuredClone(Reflect.get(Object(from), last)));
}

function waysOf(value: unknown, way: readonly string[]): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [
    [...way, key],
    ...waysOf(child, [...way, key]),
  ]);
}

/** Every value of a document but the whole; the first hangs at the top. */
function spotsOf(document: unknown): Spot[] {
  const spots: Spot[] = [];
  const visit = (value: unknown, node: SchemaNode, depth: number): void => {
    if (typeof value !== "object" || value === null || depth > 20) return;
    const keys = Object.keys(value);
    if (keys.length > 200) return;
    for (const key of keys) {
      const inner = resolveNode(childNode(node, key) ?? {}, TABLE);
      spots.push({ holder: Array.isArray(value) ? value : Object(value), key, node: inner });
      visit(Reflect.get(value, key), inner, depth + 1);
    }
  };
  visit(document, resolveNode({ ref: "Config" }, TABLE), 0);
  return spots;
}

function brokenText(text: string, random: Random): string {
  const at = random.below(text.length);
  const broken = [
    text.slice(0, at),
    `${text.slice(0, at)}${text.slice(at + 1)}`,
    `${text.slice(0, at)}\0${text.slice(at)}`,
    `${text.slice(0, at)},${text.slice(at)}`,
    `\ufeff${text}`,
    text + text,
    text.replace("{", '{"ociVersion":"1.0.0","root":3,'),
  ];
  return random.pick(broken);
}
