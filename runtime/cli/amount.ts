// Numbers and amounts of memory as runc's command line takes them.

/** Exact beyond 2^53. */
export type Amount = number | bigint;

/** A whole number, or undefined for anything else. */
export function wholeNumber(text: string): Amount | undefined {
  return /^[+-]?\d{1,19}$/.test(text) ? exact(BigInt(text.replace("+", ""))) : undefined;
}

const UNITS = "bkmgtp";

/**
 * Bytes: a number, which may have a fraction, and a unit (b, k, m, g, t, p: powers of 1024; also as kb
 * or kib), in any case. -1 is no limit. Undefined for anything else.
 */
export function byteCount(text: string): Amount | undefined {
  if (text === "-1") return -1;
  const match = /^(\d{1,19})(\.\d+)? ?(?:b|([kmgtp])(?:i?b)?)?$/i.exec(text);
  if (match === null) return undefined;
  const [, digits = "", fraction = "", unit = "b"] = match;
  const factor = 1024n ** BigInt(UNITS.indexOf(unit.toLowerCase()));
  const rest = Math.trunc(Number(`0${fraction}`) * Number(factor));
  const bytes = BigInt(digits) * factor + BigInt(rest);
  return bytes >= 1n << 63n ? undefined : exact(bytes);
}

function exact(value: bigint): Amount {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
