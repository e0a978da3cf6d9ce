// What the global flags say about the log.

import { type LogOptions, logLevel } from "../log.ts";
import { absolutePath } from "./absolute-path.ts";

/** Options of the log; flags with a wrong value count as absent, so that the log can say so. */
export function logOptions(values: ReadonlyMap<string, string>): LogOptions {
  const file = values.get("log");
  const debug = values.get("debug") === "true";
  return {
    ...(file ? { file: absolutePath(file) } : {}),
    format: values.get("log-format") === "json" ? "json" : "text",
    level: debug ? "debug" : (logLevel(values.get("log-level")) ?? "warning"),
  };
}
