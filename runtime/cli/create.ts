// runt create

import { create } from "../lifecycle/create.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { createOptions } from "./create-options.ts";

/** Creates a container and prints nothing. */
export function createCommand(given: Arguments, surroundings: Surroundings): number {
  create(createOptions(given, surroundings));
  return 0;
}
