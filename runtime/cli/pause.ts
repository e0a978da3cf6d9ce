// runt pause

import { containerId } from "../lifecycle/container-id.ts";
import { pause } from "../lifecycle/pause.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Freezes a container and prints nothing. */
export function pauseCommand({ positionals }: Arguments, { root }: Surroundings): number {
  pause({ root, id: containerId(positionals[0] ?? "") });
  return 0;
}
