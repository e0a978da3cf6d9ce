// runt run

import { run } from "../lifecycle/run.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { createOptions } from "./create-options.ts";

/** Runs a container; its exit code becomes the program's. */
export function runCommand(given: Arguments, surroundings: Surroundings): number {
  return run({
    ...createOptions(given, surroundings),
    detach: given.on("detach"),
    keep: given.on("keep"),
    noSubreaper: given.on("no-subreaper"),
  });
}
