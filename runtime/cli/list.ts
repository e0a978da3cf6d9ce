// runt list

import { RuntimeError } from "../errors.ts";
import { escapeControls } from "../escape-controls.ts";
import { list } from "../lifecycle/list.ts";
import type { ContainerState } from "../lifecycle/state.ts";
import { print } from "../print.ts";
import type { Arguments, Surroundings } from "./commands.ts";
import { tableText } from "./table-text.ts";

const HEADER = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"];

/** Prints the containers below the root: a table, a JSON array (`null` for none), or just ids. */
export function listCommand(given: Arguments, surroundings: Surroundings): number {
  const containers = containersBelow(surroundings);
  if (given.on("quiet")) {
    for (const { id } of containers) print(id);
  } else if (given.text("format") === "json") {
    print(containers.length === 0 ? "null" : JSON.stringify(containers));
  } else {
    print(tableText([HEADER, ...containers.map(rowOf)]));
  }
  return 0;
}

// The default folder appears with the first container; one that the user named should be there.
function containersBelow({ root, rootGiven, log }: Surroundings): ContainerState[] {
  const fs: typeof import("node:fs") = require("node:fs");
  if (fs.existsSync(root)) return list(root, log);
  if (rootGiven) throw new RuntimeError(`--root ${root}: no such file or directory`);
  return [];
}

function rowOf(state: ContainerState): string[] {
  const { id, pid, status, bundle, created, owner } = state;
  return [id, `${pid}`, status, bundle, created, owner].map(escapeControls);
}
