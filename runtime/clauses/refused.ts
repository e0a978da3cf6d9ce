// Fields that are valid and not acted on yet. Each is refused with its pointer: a setting that is
// silently dropped is worse than an error. Clauses refuse the parts of what they do act on.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";

/** Pointers of the fields that are refused, unless they are absent or ask for nothing. */
export const REFUSED_FIELDS: readonly string[] = ["/process/execCPUAffinity"];

/** Fields that mean nothing on Linux and are ignored, as the specification says. */
export const IGNORED_FIELDS: readonly string[] = [
  "/process/commandLine",
  "/process/user/username",
  "/solaris",
  "/windows",
  "/vm",
  "/zos",
  "/freebsd",
];

export function refused(config: Config): Problem[] {
  return REFUSED_FIELDS.filter((pointer) => asksForSomething(valueAt(config, pointer))).map(
    (pointer) => ({ pointer, message: "is not supported yet" }),
  );
}

function valueAt(config: Config, pointer: string): unknown {
  let value: unknown = config;
  for (const key of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.entries(value).find(([name]) => name === key)?.[1];
  }
  return value;
}

/** Empty strings, lists and objects are what generators write for "not set". */
function asksForSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
