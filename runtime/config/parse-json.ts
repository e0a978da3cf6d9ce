// JSON text to values: once fast, and once exact where integers are too large for a number.

import { ConfigError } from "../errors.ts";
import { jsonError } from "./json-error.ts";

/** Parses JSON. @throws ConfigError with line, column and what was found there. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ConfigError(file, [jsonError(text)]);
    throw error;
  }
}

/**
 * Parses valid JSON with every integer beyond 2^53 as a bigint, to the last digit. Slower than
 * parseJson by far: only for texts that need it.
 *
 * @throws ConfigError if the text is nested too deeply to be read that way
 */
export function parseExactJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text, exactNumber);
  } catch (error) {
    // JSON.parse calls itself for each level once it has a function to call.
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError(file, [{ pointer: "", message: "found JSON that is nested too deeply" }]);
  }
}

function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value)) {
    return value;
  }
  const source = context?.source ?? "";
  return BigInt(/^-?\d+$/.test(source) ? source : value);
}
