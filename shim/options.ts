// The runtime's options, in whichever of the two ways they come.

import { RuntimeError } from "../runtime/errors.ts";
import { readFile } from "../runtime/sys/file.ts";
import type { Any } from "./proto/common.ts";
import { decode } from "./proto/decode.ts";
import type { ValueOf } from "./proto/message.ts";
import { RuncOptions, RuntimeOptions } from "./proto/options.ts";

export type AnyMessage = ValueOf<typeof Any>;
export type ShimOptions = ValueOf<typeof RuncOptions>;

/**
 * Options out of a message; without one, or of an unknown type, there are none.
 * @throws RuntimeError when they cannot be read; DecodeError
 */
export function optionsFrom(any: AnyMessage | undefined): ShimOptions {
  // Some have the domain of protobuf's own type URLs before the name.
  const type = any?.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  const value = any?.value ?? new Uint8Array(0);
  if (type === RuncOptions.name) return decode(RuncOptions, value);
  const none = decode(RuncOptions, new Uint8Array(0));
  if (type !== RuntimeOptions.name) return none;
  const { configPath, configBody } = decode(RuntimeOptions, value);
  const text = configPath === "" ? Buffer.from(configBody).toString() : readFile(configPath);
  return { ...none, ...fromToml(text, configPath || "options") };
}

/** Keys are the names that the fields have in Go. */
const KEYS: Readonly<Record<string, keyof ShimOptions>> = {
  NoPivotRoot: "noPivotRoot",
  NoNewKeyring: "noNewKeyring",
  ShimCgroup: "shimCgroup",
  IoUid: "ioUid",
  IoGid: "ioGid",
  BinaryName: "binaryName",
  Root: "root",
  CriuPath: "criuPath",
  SystemdCgroup: "systemdCgroup",
};

function fromToml(text: string, file: string): Partial<ShimOptions> {
  const table = Object.entries(parsed(text, file));
  const none = decode(RuncOptions, new Uint8Array(0));
  for (const [key, value] of table) {
    const field = KEYS[key];
    // A table may have keys for others.
    if (field === undefined) continue;
    if (typeof value !== typeof none[field]) {
      throw new RuntimeError(
        `${file}: ${key} is ${JSON.stringify(value)}, not a ${typeof none[field]}`,
      );
    }
  }
  return Object.fromEntries(
    table.flatMap(([key, value]) => (KEYS[key] === undefined ? [] : [[KEYS[key], value]])),
  );
}

function parsed(text: string, file: string): object {
  try {
    return Bun.TOML.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RuntimeError(`${file}: ${why}`);
  }
}
