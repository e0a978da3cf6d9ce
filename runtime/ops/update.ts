// Limits of a container that is there already, changed. When a later step of the update fails, each
// of these takes back what it did.

import { noneFor } from "../cgroup/controllers/table.ts";
import type { DeviceList } from "../cgroup/device-program.ts";
import { changesSides, deviceListFrom, deviceTransitions } from "../cgroup/device-transitions.ts";
import { exists, writeControl } from "../cgroup/files.ts";
import { formerValue } from "../cgroup/former-value.ts";
import { freeze, thaw } from "../cgroup/freezer.ts";
import { frozen } from "../cgroup/frozen.ts";
import {
  fittingWrite,
  type LimitWrite,
  limitText,
  type PlainWrite,
  writeInAnyOrder,
} from "../cgroup/write-limit.ts";
import { RuntimeError } from "../errors.ts";
import { rename } from "../sys/directory.ts";
import { readFile, writeFile } from "../sys/file.ts";
import { attachDeviceList } from "./device-program.ts";
import { defineOp } from "./op.ts";

/** A limit below the present use is refused (config-linux.md#memory, checkBeforeUpdate). */
export const checkMemory = defineOp<{ directory: string; file: string; limit: string }>({
  name: "cgroup.check-memory",
  print: ({ directory, file, limit }) => `${directory}/${file} ≤ ${limit}`,
  run: ({ directory, file, limit }) => {
    const used = readFile(`${directory}/${file}`).trim();
    if (BigInt(used) <= BigInt(limit)) return;
    throw new RuntimeError(
      `the limit ${limit} is below the ${used} bytes that are in use (${file})`,
    );
  },
});

/** Limits of one controller, in whatever order the kernel takes them. */
export const cgroupUpdate = defineOp<{ directory: string; writes: readonly LimitWrite[] }>({
  name: "cgroup.update",
  print: ({ directory, writes }) => `${directory}: ${writes.map(limitText).join(", ")}`,
  run: ({ directory, writes }, { found }) => {
    const fitting = writes.flatMap((write) => fittingWrite(directory, write) ?? []);
    found.set(formerKey(directory, writes), JSON.stringify(formerOf(directory, fitting)));
    writeInAnyOrder(directory, fitting);
  },
  takeBack: ({ directory, writes }, { found }) => {
    const former: Former[] = JSON.parse(found.get(formerKey(directory, writes)) ?? "[]");
    const changed = former.filter(
      ({ file, contents }) => readFile(`${directory}/${file}`) !== contents,
    );
    writeInAnyOrder(directory, changed);
  },
});

interface Former extends PlainWrite {
  contents: string;
}

function formerOf(directory: string, writes: readonly PlainWrite[]): Former[] {
  return writes.flatMap(({ controller, file, value }) => {
    const path = `${directory}/${file}`;
    if (!exists(path)) return [];
    const contents = readFile(path);
    return [{ controller, file, value: formerValue(value, contents, noneFor(file)), contents }];
  });
}

/** Two controllers can share a directory. */
function formerKey(directory: string, writes: readonly LimitWrite[]): string {
  return `former ${directory} ${writes[0]?.file}`;
}

interface DeviceChange {
  directory: string;
  /** The list in force, for what the kernel does not tell of it. */
  former: DeviceList;
  list: DeviceList;
}

/**
 * Device rules of v1, by the differences alone. From "everything but" to "nothing but", or back, the
 * way leads over everything or nothing: the container stands still meanwhile.
 */
export const changeDevices = defineOp<DeviceChange & { cgroups: readonly string[] }>({
  name: "devices.change",
  print: ({ directory, list }) => `${directory}: ${listText(list)}`,
  run: ({ directory, former, list, cgroups }, { found }) => {
    const present = presentList(directory, former);
    found.set(devicesKey(directory), JSON.stringify(present));
    transit(directory, present, { list, cgroups });
  },
  takeBack: ({ directory, list, cgroups }, { found }) => {
    const text = found.get(devicesKey(directory));
    if (text === undefined) return;
    transit(directory, presentList(directory, list), { list: JSON.parse(text), cgroups });
  },
});

function devicesKey(directory: string): string {
  return `devices ${directory}`;
}

function presentList(directory: string, known: DeviceList): DeviceList {
  return deviceListFrom(readFile(`${directory}/devices.list`), known);
}

function transit(
  directory: string,
  present: DeviceList,
  { list, cgroups }: { list: DeviceList; cgroups: readonly string[] },
): void {
  const stands = changesSides(present, list) && !frozen(cgroups);
  if (stands) freeze(cgroups);
  try {
    for (const { file, value } of deviceTransitions(present, list)) {
      writeControl(`${directory}/${file}`, value);
    }
  } finally {
    if (stands) thaw(cgroups);
  }
}

/** The program of v2 is replaced in one go. */
export const replaceDevices = defineOp<DeviceChange>({
  name: "devices.replace",
  print: ({ directory, list }) => `${directory}: ${listText(list)}`,
  run: ({ directory, list }, { found }) => {
    found.set(devicesKey(directory), directory);
    attachDeviceList(directory, list);
  },
  takeBack: ({ directory, former }, { found }) => {
    if (found.has(devicesKey(directory))) attachDeviceList(directory, former);
  },
});

function listText({ everything, exceptions }: DeviceList): string {
  return `${everything ? "everything" : "nothing"} but ${exceptions.length} entries`;
}

/** The resources in force, for the next update: the last step, which takes none of them back. */
export const keepResources = defineOp<{ path: string; text: string }>({
  name: "resources.keep",
  print: ({ path }) => path,
  run: ({ path, text }) => {
    writeFile(`${path}.new`, text, 0o600);
    rename(`${path}.new`, path);
  },
});
