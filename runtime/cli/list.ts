// runt list

import { escapeControls } from "../escape-controls.ts";
import { list } from "../lifecycle/list.ts";
import type { ContainerState } from "../lifecycle/state.ts";
import { print } from "../print.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { tableText } from "./table-text.ts";

const HEADER = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"];

/** Prints the containers below the root: a table, a JSON array (`null` for none), or just ids. */
export function listCommand(given: Arguments, { root, rootGiven, log }: Surroundings): number {
  const containers = list(root, { log, isNamed: rootGiven });
  if (given.on("quiet")) {
    for (const { id } of containers) print(id);
  } else if (given.text("format") === "json") {
    print(containers.length === 0 ? "null" : JSON.stringify(containers));
  } else {
    print(tableText([HEADER, ...containers.map(rowOf)]));
  }
  return 0;
}

function rowOf(state: ContainerState): string[] {
  const { id, pid, status, bundle, created, owner } = state;
  return [id, `${pid}`, status, bundle, created, owner].map(escapeControls);
}
