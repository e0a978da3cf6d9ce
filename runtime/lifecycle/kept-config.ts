// The configuration that a container was created from: its own copy, which create has checked.

import { parseExactJson } from "../config/parse-json.ts";
import type { Config } from "../config/types.gen.ts";
import { RuntimeError } from "../errors.ts";
import { directoryOf, type Place } from "../store/directory.ts";
import { readFile } from "../sys/file.ts";

/** What becomes of the bundle after create changes nothing (runtime.md#create). */
export function keptConfig(place: Place): Config {
  const file = `${directoryOf(place)}/config.json`;
  const text = readFile(file);
  // Integers beyond 2^53, such as limits that are none, are rare and take longer.
  const config: unknown = /\d{16}/.test(text) ? parseExactJson(text, file) : JSON.parse(text);
  if (isConfig(config)) return config;
  throw new RuntimeError(`${file} is damaged`);
}

/** It has been validated once; here is looked whether it is there at all. */
function isConfig(value: unknown): value is Config {
  return typeof value === "object" && value !== null && "ociVersion" in value;
}
