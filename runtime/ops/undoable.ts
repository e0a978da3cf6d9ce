// The ops with an effect on the host, by name: what a journal's entries are undone with.

import { cgroupCreate } from "./cgroup.ts";
import type { Op } from "./op.ts";
import { bindRootAside } from "./root.ts";

/** From an op's arguments, as JSON text, to the op again. */
const UNDOABLE: Readonly<Record<string, (args: string) => Op>> = {
  "cgroup.create": (args) => cgroupCreate(JSON.parse(args)),
  "rdt.class": (args) => rdt().makeClass(JSON.parse(args)),
  "rdt.group": (args) => rdt().makeGroup(JSON.parse(args)),
  "unit.start": (args) => unit().unitStart(JSON.parse(args)),
  "root.bind-aside": (args) => bindRootAside(JSON.parse(args)),
};

/** The op of a journal entry; undefined when this version does not know it. */
export function opFromJournal({ op, args }: { op: string; args: string }): Op | undefined {
  return UNDOABLE[op]?.(args);
}

/** Loaded for those who use it. */
function unit(): typeof import("./unit.ts") {
  return require("./unit.ts");
}

/** Loaded for those who use it. */
function rdt(): typeof import("./intel-rdt.ts") {
  return require("./intel-rdt.ts");
}
