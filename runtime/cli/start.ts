// runt start

import { containerId } from "../lifecycle/container-id.ts";
import { start } from "../lifecycle/start.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Starts a created container and prints nothing. */
export function startCommand(
  { positionals }: Arguments,
  { root, log, environment }: Surroundings,
): number {
  start({ root, id: containerId(positionals[0] ?? ""), log, environment });
  return 0;
}
