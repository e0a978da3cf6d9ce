// runt resume

import { resume } from "../lifecycle/resume.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { containerId } from "./container-id.ts";

/** Lets a paused container go on and prints nothing. */
export function resumeCommand({ positionals }: Arguments, { root }: Surroundings): number {
  resume({ root, id: containerId(positionals[0] ?? "") });
  return 0;
}
