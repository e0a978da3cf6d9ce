// runt pause

import { pause } from "../lifecycle/pause.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { containerId } from "./container-id.ts";

/** Freezes a container and prints nothing. */
export function pauseCommand({ positionals }: Arguments, { root }: Surroundings): number {
  pause({ root, id: containerId(positionals[0] ?? "") });
  return 0;
}
