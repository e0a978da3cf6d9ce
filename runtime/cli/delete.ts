// runt delete

import { containerId } from "../lifecycle/container-id.ts";
import { deleteContainer } from "../lifecycle/delete.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Deletes a container and prints nothing. */
export function deleteCommand(given: Arguments, { root, log, environment }: Surroundings): number {
  deleteContainer({
    root,
    id: containerId(given.positionals[0] ?? ""),
    force: given.on("force"),
    log,
    environment,
  });
  return 0;
}
