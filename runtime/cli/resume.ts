// runt resume

import { containerId } from "../lifecycle/container-id.ts";
import { resume } from "../lifecycle/resume.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Lets a paused container go on and prints nothing. */
export function resumeCommand({ positionals }: Arguments, { root }: Surroundings): number {
  resume({ root, id: containerId(positionals[0] ?? "") });
  return 0;
}
