// Every container below a state root.

import { RuntimeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { idsBelow, rootExists } from "../store/directory.ts";
import { readRecord } from "../store/record.ts";
import { type ContainerState, stateFrom } from "./state.ts";

export interface ListOptions {
  log: Log;
  isNamed: boolean;
}

/**
 * States of all containers, sorted by id; one that cannot be read is a warning.
 * @throws RuntimeError where the root was named by the user and is not there: the default one appears
 *   with the first container
 */
export function list(root: string, { log, isNamed }: ListOptions): ContainerState[] {
  if (!rootExists(root)) {
    if (isNamed) throw new RuntimeError(`--root ${root}: no such file or directory`);
    return [];
  }
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
