// The problems of a text that is refused, for the tests of parsing.

import * as assert from "uvu/assert";
import { type ParseOptions, parseConfig } from "../../../runtime/config/parse.ts";
import { ConfigError, type Problem, problemText } from "../../../runtime/errors.ts";

/** Problems of a function that must throw a ConfigError. */
export function refusals(act: () => unknown): readonly Problem[] {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  assert.unreachable("nothing was refused");
  return [];
}

/** Problems of a configuration with changes at its top, each as one line. */
export function refused(changes: object, options: ParseOptions = {}): string[] {
  return refusals(() => parseConfig(configText(changes), "config.json", options)).map(problemText);
}

/** Text of a small configuration with changes at its top. */
export function configText(changes: object = {}): string {
  return JSON.stringify({ ociVersion: "1.3.0", root: { path: "rootfs" }, ...changes });
}

/** A process with changes, as the change of a configuration. */
export function withProcess(changes: object): object {
  return { process: { cwd: "/", args: ["sh"], ...changes } };
}
