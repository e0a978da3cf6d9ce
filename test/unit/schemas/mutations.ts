// Small changes to a JSON document, every one of a fixed list at every place: the same each time.

/** A document with one thing changed. */
export interface Mutation {
  /** What was changed and where, for messages. */
  name: string;
  text: string;
}

const REPLACEMENTS: readonly unknown[] = [
  null,
  false,
  0,
  1,
  -1,
  8,
  1.5,
  101,
  512,
  1001,
  65536,
  -2147483649n,
  1000000000,
  4294967296n,
  9007199254740993n,
  9223372036854775807n,
  9223372036854775808n,
  -9223372036854775809n,
  18446744073709551615n,
  18446744073709551616n,
  1e300,
  "",
  "x",
  "/x",
  "a/b",
  "a\nb",
  "a\0b",
  "..",
  "SCMP_ACT_ALLOW",
  "RLIMIT_WRONG",
  "mount",
  "rshared",
  "2.0.0",
  ["x"],
  {},
  { "": "x" },
  { "a/b": "x" },
  { x: 1 },
];

/** The document with every replacement, deletion, renaming and duplication at every place. */
export function* mutationsOf(document: unknown): Generator<Mutation> {
  for (const pointer of pointersOf(document, [])) {
    const name = `/${pointer.join("/")}`;
    for (const value of REPLACEMENTS) {
      yield { name: `${name} = ${jsonText(value)}`, text: changed(document, pointer, () => value) };
    }
    yield { name: `${name} deleted`, text: changed(document, pointer, () => DELETED) };
    yield { name: `${name} doubled`, text: changed(document, pointer, doubled) };
    yield { name: `${name} in an array`, text: changed(document, pointer, (value) => [value]) };
    yield { name: `${name} in upper case`, text: changed(document, pointer, upper) };
    yield { name: `${name} renamed`, text: changed(document, pointer, renamed) };
  }
}

/** As many documents with two changes each, picked by a seed. */
export function* pairsOf(document: unknown, count: number): Generator<Mutation> {
  const pointers = [...pointersOf(document, [])];
  const random = generator(20240601);
  function pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(random() * list.length)];
  }
  for (let index = 0; index < count; index++) {
    let current = document;
    const names: string[] = [];
    for (let change = 0; change < 2; change++) {
      const pointer = pick(pointers) ?? [];
      const value = random() < 0.2 ? DELETED : pick(REPLACEMENTS);
      names.push(`/${pointer.join("/")} = ${value === DELETED ? "nothing" : jsonText(value)}`);
      current = replaced(current, pointer, () => value);
    }
    yield { name: names.join(", "), text: jsonText(current) };
  }
}

const DELETED = Symbol("deleted");

function* pointersOf(value: unknown, at: readonly string[]): Generator<readonly string[]> {
  yield at;
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) yield* pointersOf(child, [...at, key]);
}

type Change = (value: unknown) => unknown;

function changed(document: unknown, pointer: readonly string[], change: Change): string {
  return jsonText(replaced(document, pointer, change));
}

/** A copy of the document with the value at a pointer changed; an unknown pointer changes nothing. */
function replaced(value: unknown, pointer: readonly string[], change: Change): unknown {
  const [key, ...rest] = pointer;
  if (key === undefined) {
    const result = change(value);
    return result === DELETED ? {} : result;
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return value;
  const entries = Object.entries(value).flatMap(([name, child]): [string, unknown][] => {
    if (name !== key) return [[name, child]];
    if (rest.length > 0) return [[name, replaced(child, rest, change)]];
    if (change === renamed && !Array.isArray(value)) return [[`${name}X`, child]];
    const result = change(child);
    return result === DELETED ? [] : [[name, result]];
  });
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}

function doubled(value: unknown): unknown {
  return Array.isArray(value) ? [...value, ...value] : value;
}

function upper(value: unknown): unknown {
  return typeof value === "string" ? value.toUpperCase() : value;
}

function renamed(value: unknown): unknown {
  return value;
}

/** JSON text, with a bigint as its digits. */
function jsonText(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, child]) => `${JSON.stringify(key)}:${jsonText(child)}`,
  );
  return `{${entries.join(",")}}`;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
