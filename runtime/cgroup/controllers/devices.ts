// The devices controller: which device nodes may be made, read and written
// (config-linux.md#allowed-device-list; the kernel's admin-guide/cgroup-v1/devices.rst).

import type { DeviceRule, Resources } from "../../config/types.gen.ts";
import { EPERM } from "../../errno.ts";
import type { Problem } from "../../errors.ts";
import type { DeviceEntry, DeviceList } from "../device-program.ts";
import { type Controller, type Limits, NO_LIMITS, type Property, type Write } from "./limits.ts";

export const devices: Controller = {
  name: "devices",
  v1,
  // A program stands in for the files; see deviceList. Its list is judged as on v1.
  v2: ({ devices = [] }) => ({ ...NO_LIMITS, problems: follow(devices).problems }),
  systemd,
  hints: { "devices.allow": { [EPERM]: "the parent cgroup does not allow it either" } },
};

const POINTER = "/linux/resources/devices";

/** What every container may use, whatever its list says: as runc, crun and youki have it. */
const ALWAYS_ALLOWED: readonly DeviceEntry[] = [
  always("*", "*", "m"),
  { ...always("*", "*", "m"), type: "b" },
  always("1", "3"), // null
  always("1", "8"), // random
  always("1", "7"), // full
  always("5", "0"), // tty
  always("1", "5"), // zero
  always("1", "9"), // urandom
  always("136", "*"), // pts/N
  always("5", "2"), // ptmx
  always("10", "200"), // net/tun
];

function always(major: string, minor: string, access = "rwm"): DeviceEntry {
  return { type: "c", major, minor, access };
}

/**
 * Writes in the listed order, starting from "nothing is allowed", as runc and crun start, and not
 * from what the parent cgroup allows. After a list that ends with everything allowed but some, what
 * every container may use is not added: it would take back denials that were asked for.
 */
function v1({ devices = [] }: Resources): Limits {
  const writes: Write[] = [];
  if (devices[0] === undefined || !isEverything(devices[0])) writes.push(write(false, ALL, ""));
  for (const [index, rule] of devices.entries()) {
    const texts = isEverything(rule) ? [ALL] : entriesOf(rule).map(entryText);
    writes.push(...texts.map((text) => write(rule.allow, text, `${POINTER}/${index}`)));
  }
  const { list, problems } = follow(devices);
  if (!list.everything) {
    writes.push(...ALWAYS_ALLOWED.map((entry) => write(true, entryText(entry), "")));
  }
  return { writes, problems, warnings: [] };
}

/** What the kernel makes of the rules, one after the other, and those that it would not do. */
function follow(rules: readonly DeviceRule[]): { list: ChangingList; problems: Problem[] } {
  const problems: Problem[] = [];
  let list: ChangingList = { everything: false, exceptions: [] };
  for (const [index, rule] of rules.entries()) {
    if (isEverything(rule)) {
      list = { everything: rule.allow, exceptions: [] };
      continue;
    }
    for (const entry of entriesOf(rule)) {
      if (rule.allow !== list.everything) add(list, entry);
      else problems.push(...takeBack(list, entry, `${POINTER}/${index}`));
    }
  }
  return { list, problems };
}

interface ChangingList extends DeviceList {
  exceptions: DeviceEntry[];
}

/** One entry a device: its access grows. */
function add(list: ChangingList, entry: DeviceEntry): void {
  const index = list.exceptions.findIndex((one) => sameNumbers(one, entry));
  const old = list.exceptions[index];
  if (old === undefined) list.exceptions.push(entry);
  else list.exceptions[index] = { ...old, access: `${old.access}${entry.access}` };
}

const ALL = "a *:* rwm";

/**
 * The rules of the field as one list, for the program that stands in for them on v2; with what
 * every container may use, as on v1.
 */
export function deviceList({ devices = [] }: Resources): DeviceList {
  const { list } = follow(devices);
  if (!list.everything) for (const entry of ALWAYS_ALLOWED) add(list, entry);
  return list;
}

/**
 * systemd has its own program, or list on v1, at the start of a unit and again after each reload. It
 * knows lists of what is allowed only: after a reload a list of what is denied is ours alone.
 */
function systemd(resources: Resources): Property[] {
  const { everything, exceptions } = deviceList(resources);
  const policy = (value: string): Property => ({ name: "DevicePolicy", type: "s", value });
  if (everything) return [policy("auto")];
  const value = exceptions.flatMap((entry) => {
    const node = nodeFor(entry);
    return node === undefined ? [] : [[node, entry.access]];
  });
  return [policy("strict"), { name: "DeviceAllow", type: "a(ss)", value }];
}

/** As systemd.resource-control(5) names devices, whether there are nodes of theirs or not. */
function nodeFor({ type, major, minor }: DeviceEntry): string | undefined {
  const kind = type === "b" ? "block" : "char";
  if (major === "*") return minor === "*" ? `${kind}-*` : undefined;
  if (minor !== "*") return `/dev/${kind}/${major}:${minor}`;
  return major === "136" && type === "c" ? "char-pts" : `${kind}-${major}`;
}

function isEverything(rule: DeviceRule): boolean {
  const kind =
    (rule.type ?? "a") === "a" && numberText(rule.major) === "*" && numberText(rule.minor) === "*";
  return kind && isWithin("rwm", accessOf(rule));
}

/** To the kernel type `a` means everything, whatever stands behind it: so both kinds are spelled out. */
function entriesOf(rule: DeviceRule): DeviceEntry[] {
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
function takeBack(list: ChangingList, entry: DeviceEntry, pointer: string): Problem[] {
  const standing = list.exceptions.find((one) => overlaps(one, entry) && !sameNumbers(one, entry));
  list.exceptions = list.exceptions
    .map((one) => (sameNumbers(one, entry) ? { ...one, access: without(one, entry) } : one))
    .filter(({ access }) => access !== "");
  if (standing === undefined) return [];
  const [verb, done] = list.everything ? ["allow", "denied"] : ["deny", "allowed"];
  const message =
    `cannot ${verb} ${entryText(entry)}: an earlier entry ${done} ${entryText(standing)}, ` +
    "which the kernel takes back as a whole only";
  return [{ pointer, message, spec: "config-linux.md#allowed-device-list" }];
}

function without(one: DeviceEntry, other: DeviceEntry): string {
  return [...one.access].filter((letter) => !other.access.includes(letter)).join("");
}

function isWithin(letters: string, access: string): boolean {
  return [...letters].every((letter) => access.includes(letter));
}

function sameNumbers(one: DeviceEntry, other: DeviceEntry): boolean {
  return one.type === other.type && one.major === other.major && one.minor === other.minor;
}

function overlaps(one: DeviceEntry, other: DeviceEntry): boolean {
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

function entryText({ type, major, minor, access }: DeviceEntry): string {
  return `${type} ${major}:${minor} ${access}`;
}

function numberText(value: number | bigint | undefined): string {
  return value === undefined || value < 0 ? "*" : `${value}`;
}

function accessOf(rule: DeviceRule): string {
  return rule.access ?? "rwm";
}
