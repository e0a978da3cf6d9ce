// Every container below a state root.

import { RuntimeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { idsBelow } from "../store/directory.ts";
import { readRecord } from "../store/record.ts";
import { type ContainerState, stateFrom } from "./state.ts";

/** States of all containers, sorted by id; one that cannot be read is a warning. */
export function list(root: string, log: Log): ContainerState[] {
  const states: ContainerState[] = [];
  for (const id of idsBelow(root)) {
    try {
      states.push(stateFrom({ root, id }, readRecord({ root, id })));
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      log.warn(`container "${id}" is left out: ${error.message}`);
    }
  }
  return states;
}
