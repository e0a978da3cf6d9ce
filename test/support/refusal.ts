// What every refused command has in common: exit code 1, a clear error, nothing left behind.

import * as assert from "uvu/assert";
import { bundle, type Patch } from "./bundle.ts";
import { stateOf } from "./container.ts";
import { freshName } from "./room.ts";
import { type RuntOptions, runt } from "./runt.ts";

/** No bad input may make the runtime wait longer than this. */
const limitMs = 5000;

/**
 * Asserts that a bundle cannot be created: in time, with exit code 1, one error that fits, and no
 * container. What else may stay on the host, the end of the test file looks for.
 */
export async function refusesBundle(
  directory: string,
  pattern: RegExp,
  options: RuntOptions = {},
): Promise<string> {
  const id = freshName();
  const command = ["create", "--bundle", directory, id];
  const { code, stdout, stderr } = await runt(command, { limitMs, ...options });
  const caller = options.as === undefined ? {} : { as: options.as };
  if (code === 0) await runt(["delete", "--force", id], caller);
  assert.is(code, 1, `${pattern}: ${stderr.slice(0, 2000)}`);
  isClear(stderr, pattern);
  assert.is(stdout, "");
  assert.is(await stateOf(id, caller), undefined);
  return stderr;
}

/** As {@link refusesBundle}, of the default configuration with a patch. */
export function refusesPatch(patch: Patch, pattern: RegExp): Promise<string> {
  return refusesBundle(bundle(patch), pattern);
}

/** Asserts that a command is refused with an error that fits. */
export async function refusesCommand(
  command: readonly string[],
  pattern: RegExp,
  options: RuntOptions = {},
): Promise<string> {
  const { code, stderr } = await runt(command, { limitMs, ...options });
  assert.is(code, 1, `${command.join(" ").slice(0, 200)}: ${stderr.slice(0, 2000)}`);
  isClear(stderr, pattern);
  return stderr;
}

/** Words for a person: no stack of ours, no name of an internal error, and not endless. */
function isClear(stderr: string, pattern: RegExp): void {
  assert.match(stderr.slice(0, 10_000), pattern);
  assert.not.match(stderr, /\bat .*\(.*:\d+:\d+\)|\$bunfs|TypeError|undefined is not|\[object /);
  assert.ok(stderr.length < 10_000, `an error of ${stderr.length} bytes`);
}
