// runt state

import { containerId } from "../lifecycle/container-id.ts";
import { state } from "../lifecycle/state.ts";
import { print } from "../print.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Prints the state of a container as JSON. */
export function stateCommand({ positionals }: Arguments, { root }: Surroundings): number {
  print(JSON.stringify(state({ root, id: containerId(positionals[0] ?? "") }), undefined, 2));
  return 0;
}
