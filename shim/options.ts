// The runtime's options, in whichever of the two ways they come.

import { RuntimeError } from "../runtime/errors.ts";
import { readFile } from "../runtime/sys/file.ts";
import type { Any } from "./proto/common.ts";
import { DecodeError, decode } from "./proto/decode.ts";
import type { Fields, Message, Value, ValueOf } from "./proto/message.ts";
import { RuncOptions, RuntimeOptions } from "./proto/options.ts";

export type AnyMessage = ValueOf<typeof Any>;
export type ShimOptions = ValueOf<typeof RuncOptions>;

/**
 * Options out of a message; without one, or of an unknown type, there are none.
 * @param warn is told what is not known and has no effect
 * @throws RuntimeError when they cannot be read
 */
export function optionsFrom(
  any: AnyMessage | undefined,
  warn: (text: string) => void,
): ShimOptions {
  const none = decode(RuncOptions, new Uint8Array(0));
  if (any === undefined) return none;
  // Some have the domain of protobuf's own type URLs before the name.
  const type = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  if (type === RuncOptions.name) return decodeOptions(RuncOptions, any.value);
  if (type === RuntimeOptions.name) return { ...none, ...tableIn(any.value, warn) };
  warn(`options of the type "${any.typeUrl}" are not known, and have no effect`);
  return none;
}

function decodeOptions<F extends Fields>(type: Message<F>, value: Uint8Array): Value<F> {
  try {
    return decode(type, value);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new RuntimeError(`options of the type ${type.name} cannot be read: ${error.message}`);
  }
}

/**
 * Keys are the names that the fields have in Go, in any case, as Go's own readers take them. No other
 * program is called, so that those that name one are not among them.
 */
const FIELDS: Readonly<Record<string, keyof ShimOptions>> = {
  nopivotroot: "noPivotRoot",
  nonewkeyring: "noNewKeyring",
  shimcgroup: "shimCgroup",
  iouid: "ioUid",
  iogid: "ioGid",
  root: "root",
  systemdcgroup: "systemdCgroup",
};

function tableIn(value: Uint8Array, warn: (text: string) => void): Partial<ShimOptions> {
  const { configPath, configBody } = decodeOptions(RuntimeOptions, value);
  const text = configPath === "" ? Buffer.from(configBody).toString() : readFile(configPath);
  const where = configPath || "options";
  const known: Record<string, string | number | boolean> = {};
  for (const [key, found] of Object.entries(parsed(text, where))) {
    const name = FIELDS[key.toLowerCase()];
    if (name === undefined) warn(`${where}: ${key} is not known, and has no effect`);
    else known[name] = checked(found, { name, what: `${where}: ${key}` });
  }
  return known;
}

function parsed(text: string, where: string): object {
  try {
    return Bun.TOML.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RuntimeError(`${where}: not a TOML table: ${why}`);
  }
}

/** Wanted of the kinds that fields have. */
const WANTED = {
  bool: "true or false",
  string: "a text",
  uint32: "a number from 0 to 4294967295",
} as const;

function checked(
  found: unknown,
  { name, what }: { name: keyof ShimOptions; what: string },
): string | number | boolean {
  const { kind } = RuncOptions.fields[name];
  if (kind === "bool" && typeof found === "boolean") return found;
  if (kind === "string" && typeof found === "string") return found;
  if (kind === "uint32" && typeof found === "number" && found >>> 0 === found) return found;
  throw new RuntimeError(`${what} is ${JSON.stringify(found)}, wanted ${WANTED[kind]}`);
}
