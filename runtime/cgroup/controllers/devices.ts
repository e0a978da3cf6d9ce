// The devices controller: which device nodes may be made, read and written
// (config-linux.md#allowed-device-list; the kernel's admin-guide/cgroup-v1/devices.rst).

import type { DeviceRule, Resources } from "../../config/types.gen.ts";
import type { Problem } from "../../errors.ts";
import { type Controller, type Limits, NO_LIMITS, type Write } from "./limits.ts";

const EPERM = 1;

export const devices: Controller = {
  name: "devices",
  v1,
  // An eBPF program stands in for the files.
  v2: () => NO_LIMITS,
  hints: { "devices.allow": { [EPERM]: "the parent cgroup does not allow it either" } },
};

const POINTER = "/linux/resources/devices";

/** What every container may use, whatever its list says: as runc, crun and youki have it. */
const ALWAYS_ALLOWED = [
  "c *:* m",
  "b *:* m",
  "c 1:3 rwm", // null
  "c 1:8 rwm", // random
  "c 1:7 rwm", // full
  "c 5:0 rwm", // tty
  "c 1:5 rwm", // zero
  "c 1:9 rwm", // urandom
  "c 136:* rwm", // pts/N
  "c 5:2 rwm", // ptmx
  "c 10:200 rwm", // net/tun
];

/**
 * Writes in the listed order, starting from "nothing is allowed", as runc and crun start, and not
 * from what the parent cgroup allows. After a list that ends with everything allowed but some, what
 * every container may use is not added: it would take back denials that were asked for.
 */
function v1({ devices = [] }: Resources): Limits {
  const writes: Write[] = [];
  const problems: Problem[] = [];
  let list: DeviceList = { everything: false, exceptions: [] };
  if (devices[0] === undefined || !isEverything(devices[0])) writes.push(write(false, ALL, ""));
  for (const [index, rule] of devices.entries()) {
    const pointer = `${POINTER}/${index}`;
    if (isEverything(rule)) {
      list = { everything: rule.allow, exceptions: [] };
      writes.push(write(rule.allow, ALL, pointer));
      continue;
    }
    for (const entry of entriesOf(rule)) {
      writes.push(write(rule.allow, entryText(entry), pointer));
      if (rule.allow !== list.everything) list.exceptions.push(entry);
      else problems.push(...takeBack(list, entry, pointer));
    }
  }
  if (!list.everything) writes.push(...ALWAYS_ALLOWED.map((text) => write(true, text, "")));
  return { writes, problems, warnings: [] };
}

const ALL = "a *:* rwm";

/** The kernel's own model: everything or nothing is allowed, but for some entries. */
interface DeviceList {
  everything: boolean;
  exceptions: Entry[];
}

interface Entry {
  type: "b" | "c";
  major: string;
  minor: string;
  access: string;
}

function isEverything(rule: DeviceRule): boolean {
  const kind =
    (rule.type ?? "a") === "a" && numberText(rule.major) === "*" && numberText(rule.minor) === "*";
  return kind && isWithin("rwm", accessOf(rule));
}

/** To the kernel type `a` means everything, whatever stands behind it: so both kinds are spelled out. */
function entriesOf(rule: DeviceRule): Entry[] {
  const numbers = {
    major: numberText(rule.major),
    minor: numberText(rule.minor),
    access: accessOf(rule),
  };
  const { type = "a" } = rule;
  if (type !== "a") return [{ type, ...numbers }];
  return [
    { type: "c", ...numbers },
    { type: "b", ...numbers },
  ];
}

/**
 * Takes an exception back. The kernel does so for one of the same numbers only and silently leaves
 * any other that the entry overlaps, so that a denied device would stay allowed.
 */
function takeBack(list: DeviceList, entry: Entry, pointer: string): Problem[] {
  const standing = list.exceptions.find((one) => overlaps(one, entry) && !sameNumbers(one, entry));
  list.exceptions = list.exceptions.filter(
    (one) => !(sameNumbers(one, entry) && isWithin(one.access, entry.access)),
  );
  if (standing === undefined) return [];
  const [verb, done] = list.everything ? ["allow", "denied"] : ["deny", "allowed"];
  const message =
    `cannot ${verb} ${entryText(entry)}: an earlier entry ${done} ${entryText(standing)}, ` +
    "which the kernel takes back as a whole only";
  return [{ pointer, message, spec: "config-linux.md#allowed-device-list" }];
}

function isWithin(letters: string, access: string): boolean {
  return [...letters].every((letter) => access.includes(letter));
}

function sameNumbers(one: Entry, other: Entry): boolean {
  return one.type === other.type && one.major === other.major && one.minor === other.minor;
}

function overlaps(one: Entry, other: Entry): boolean {
  const meet = (a: string, b: string) => a === b || a === "*" || b === "*";
  return (
    one.type === other.type &&
    meet(one.major, other.major) &&
    meet(one.minor, other.minor) &&
    [...one.access].some((letter) => other.access.includes(letter))
  );
}

function write(allow: boolean, value: string, pointer: string): Write {
  return { controller: "devices", file: allow ? "devices.allow" : "devices.deny", value, pointer };
}

function entryText({ type, major, minor, access }: Entry): string {
  return `${type} ${major}:${minor} ${access}`;
}

function numberText(value: number | bigint | undefined): string {
  return value === undefined || value < 0 ? "*" : `${value}`;
}

function accessOf(rule: DeviceRule): string {
  return rule.access ?? "rwm";
}
