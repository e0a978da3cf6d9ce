// runt ps

import { escapeControls } from "../escape-controls.ts";
import { containerId } from "../lifecycle/container-id.ts";
import type { ProcessRow } from "../lifecycle/process-row.ts";
import { hostPs, pids, processTable } from "../lifecycle/ps.ts";
import { print } from "../print.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Prints the processes of a container: as `ps -ef` does, as the host's ps does, or as JSON. */
export function psCommand(given: Arguments, { root, environment }: Surroundings): number {
  const [id = "", ...rest] = given.positionals;
  const args = rest[0] === "--" ? rest.slice(1) : rest;
  const found = pids({ root, id: containerId(id) });
  if (given.text("format") === "json") print(JSON.stringify(found));
  else if (args.length > 0) {
    for (const line of hostPs({ pids: found, args, environment })) print(escapeControls(line));
  } else {
    for (const row of [HEADER, ...processTable(found)]) print(escapeControls(lineOf(row)));
  }
  return 0;
}

const HEADER: ProcessRow = {
  user: "UID",
  pid: "PID",
  parent: "PPID",
  share: "C",
  started: "STIME",
  terminal: "TTY",
  time: "TIME",
  command: "CMD",
};

/** The columns of procps: names to the left, numbers to the right. */
function lineOf(row: ProcessRow): string {
  return [
    row.user.padEnd(8),
    row.pid.padStart(7),
    row.parent.padStart(7),
    row.share.padStart(2),
    row.started.padStart(5),
    row.terminal.padEnd(8),
    row.time.padStart(8),
    row.command,
  ].join(" ");
}
