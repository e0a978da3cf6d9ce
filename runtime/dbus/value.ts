// D-Bus values in JavaScript, and the types they are sent as (D-Bus specification, "Type System").

/**
 * A value to be sent or that has come. Structures and dictionary entries are lists of their fields,
 * arrays lists of their elements; a number of 64 bits may also be text, so that it fits JSON.
 */
export type Value = boolean | number | bigint | string | Variant | readonly Value[];

/** A value that brings its type along. */
export interface Variant {
  /** One complete type, such as `a(ss)`. */
  readonly type: string;
  readonly value: Value;
}

/** Boundary that a value of a type begins at, counted from the message's first byte. */
const ALIGNMENTS: Readonly<Record<string, number>> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, h: 4, s: 4, o: 4, a: 4 },
  ...{ x: 8, t: 8, d: 8, "(": 8, "{": 8 },
};

/** Of one complete type. */
export function alignmentOf(type: string): number {
  const alignment = ALIGNMENTS[type.slice(0, 1)];
  if (alignment === undefined) throw new Error(`there is no D-Bus type "${type}"`);
  return alignment;
}

/** The complete types that a signature consists of: `sa(sv)u` is `s`, `a(sv)` and `u`. */
export function completeTypes(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

/** The fields of a structure's or dictionary entry's type, such as `(ss)`. */
export function fieldTypes(type: string): string[] {
  return completeTypes(type.slice(1, -1));
}

function endOfType(signature: string, start: number): number {
  let at = start;
  while (signature[at] === "a") at++;
  let depth = 0;
  do {
    const letter = signature[at++];
    if (letter === "(" || letter === "{") depth++;
    else if (letter === ")" || letter === "}") depth--;
    if (letter === undefined) throw new Error(`"${signature}" is not a D-Bus signature`);
  } while (depth > 0);
  return at;
}
