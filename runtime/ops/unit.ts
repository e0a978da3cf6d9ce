// The container's unit of systemd: started with init in it, changed, and stopped.

import type { Property } from "../cgroup/controllers/limits.ts";
import { exists } from "../cgroup/files.ts";
import { removeCgroup, tryRemoveEmpty } from "../cgroup/manager.ts";
import { setUnitProperties, startUnit, stopUnit } from "../cgroup/systemd/manager.ts";
import { defineOp } from "./op.ts";

export interface UnitArgs {
  /** Of the manager, as D-Bus addresses. */
  address: string;
  name: string;
  /** Its cgroup, from the root of the hierarchies. */
  path: string;
  properties: readonly Property[];
  /** The same as directories, one a hierarchy. */
  directories: readonly string[];
}

/**
 * StartTransientUnit and, to undo it, StopUnit (org.freedesktop.systemd1(5)). A scope begins with a
 * process in it, so this comes after the clone; a slice has none, and init joins it.
 */
export const unitStart = defineOp<UnitArgs>({
  name: "unit.start",
  print: ({ name, properties }) => printed(name, properties),
  run({ address, name, path, properties }, context) {
    const pids = { name: "PIDs", type: "au", value: [context.initPid()] };
    const isScope = name.endsWith(".scope");
    startUnit(address, { name, path, properties: isScope ? [pids, ...properties] : properties });
  },
  undo({ address, name, properties, directories }) {
    const description = `${properties.find((one) => one.name === "Description")?.value}`;
    let ours = false;
    try {
      ours = stopUnit(address, { name, description });
    } finally {
      // Of a unit that systemd has said nothing of, only what is empty goes.
      for (const directory of directories) {
        if (!ours) tryRemoveEmpty(directory);
        else if (exists(directory)) removeCgroup(directory);
      }
    }
  },
});

/** SetUnitProperties, for as long as the unit is there. */
export const unitChange = defineOp<{
  address: string;
  name: string;
  properties: readonly Property[];
  /** What they were. */
  former: readonly Property[];
}>({
  name: "unit.change",
  print: ({ name, properties }) => printed(name, properties),
  run: ({ address, name, properties }) => setUnitProperties(address, { name, properties }),
  takeBack: ({ address, name, former }) => setUnitProperties(address, { name, properties: former }),
});

function printed(name: string, properties: readonly Property[]): string {
  return [name, ...properties.map((one) => `${one.name}=${JSON.stringify(one.value)}`)].join(" ");
}
