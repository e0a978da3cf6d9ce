// From one list of devices to another, on v1: single entries, so that no process of the container
// finds closed in between what is open before and after. Pure.

import type { DeviceEntry, DeviceList } from "./device-program.ts";

export interface DeviceWrite {
  file: "devices.allow" | "devices.deny";
  value: string;
}

/**
 * What devices.list says (cgroup-v1/devices.rst). Where everything is allowed the kernel does not
 * tell what is not: that is taken from `known`.
 */
export function deviceListFrom(text: string, known: DeviceList): DeviceList {
  const exceptions: DeviceEntry[] = [];
  for (const line of text.split("\n")) {
    const [, type, major = "", minor = "", access = ""] =
      /^([abc]) ([^:]+):(\S+) ([rwm]*)$/.exec(line) ?? [];
    if (type === "a")
      return { everything: true, exceptions: known.everything ? known.exceptions : [] };
    if (type === "b" || type === "c") exceptions.push({ type, major, minor, access });
  }
  return { everything: false, exceptions };
}

/** Whether the way leads over a moment in which everything is open or closed. */
export function changesSides(present: DeviceList, wanted: DeviceList): boolean {
  return present.everything !== wanted.everything;
}

/** The writes, in order: first what opens, then what closes. */
export function deviceTransitions(present: DeviceList, wanted: DeviceList): DeviceWrite[] {
  const [add, remove] = wanted.everything
    ? (["devices.deny", "devices.allow"] as const)
    : (["devices.allow", "devices.deny"] as const);
  const isOther = changesSides(present, wanted);
  const before = isOther ? [] : present.exceptions;
  const start: DeviceWrite[] = isOther ? [{ file: remove, value: "a *:* rwm" }] : [];
  const added = differences(wanted.exceptions, before).map((value) => ({ file: add, value }));
  const removed = differences(before, wanted.exceptions).map((value) => ({ file: remove, value }));
  // Exceptions are what is open, or what is closed.
  return wanted.everything ? [...start, ...removed, ...added] : [...start, ...added, ...removed];
}

/** What the entries of one list have more than those of another: the kernel knows an entry by its numbers. */
function differences(these: readonly DeviceEntry[], those: readonly DeviceEntry[]): string[] {
  const has = accessByNumbers(those);
  return [...accessByNumbers(these)].flatMap(([numbers, access]) => {
    const more = [..."rwm"].filter(
      (letter) => access.includes(letter) && !has.get(numbers)?.includes(letter),
    );
    return more.length === 0 ? [] : [`${numbers} ${more.join("")}`];
  });
}

function accessByNumbers(entries: readonly DeviceEntry[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { type, major, minor, access } of entries) {
    const numbers = `${type} ${major}:${minor}`;
    found.set(numbers, `${found.get(numbers) ?? ""}${access}`);
  }
  return found;
}
