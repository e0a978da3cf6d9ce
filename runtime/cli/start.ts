// runt start

import { start } from "../lifecycle/start.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { containerId } from "./container-id.ts";

/** Starts a created container and prints nothing. */
export function startCommand(
  { positionals }: Arguments,
  { root, log, environment }: Surroundings,
): number {
  start({ root, id: containerId(positionals[0] ?? ""), log, environment });
  return 0;
}
