// Namespaces: which kinds the kernel has, how many it allows, and whether this caller may make them.

import { errnoText } from "../errno.ts";
import type { Machine } from "../host/machine.ts";
import { good, type Judgement, listText, numberIn } from "./check.ts";
import { canAdminister } from "./privileges.ts";

/** Names in /proc/PID/ns and below /proc/sys/user, and the flag (linux/sched.h). */
const KINDS: readonly [type: string, file: string, flag: number][] = [
  ["mount", "mnt", 0x20000],
  ["pid", "pid", 0x20000000],
  ["network", "net", 0x40000000],
  ["uts", "uts", 0x4000000],
  ["ipc", "ipc", 0x8000000],
  ["cgroup", "cgroup", 0x2000000],
  ["user", "user", 0x10000000],
  ["time", "time", 0x80],
];
const CLONE_NEWUSER = 0x10000000;
const NEEDED: readonly string[] = ["mount", "pid"];

export function kinds({ names }: Machine): Judgement {
  const there = names("/proc/self/ns") ?? [];
  const missing = KINDS.filter(([, file]) => !there.includes(file)).map(([type]) => type);
  if (missing.length === 0) return good(KINDS.map(([type]) => type).join(" "));
  return {
    verdict: missing.some((type) => NEEDED.includes(type)) ? "fatal" : "limited",
    found: `the kernel has no ${missing.join(", no ")} namespace`,
    effect: "refuses configurations that ask for one",
    advice: "a kernel that is built with them",
  };
}

export function limits({ text }: Machine): Judgement {
  const none = KINDS.filter(
    ([, file]) => numberIn(text(`/proc/sys/user/max_${file}_namespaces`)) === 0,
  );
  if (none.length === 0) return good("no kind is limited to 0");
  const settings = none.map(([, file]) => `user.max_${file}_namespaces`);
  return {
    verdict: none.some(([type]) => NEEDED.includes(type)) ? "fatal" : "limited",
    found: `${settings.join(", ")} = 0`,
    effect: `refuses configurations with a new namespace of type ${none.map(([type]) => type).join(", ")}`,
    advice: `sysctl ${settings.map((setting) => `${setting}=1000`).join(" ")}`,
  };
}

/**
 * What a container of this caller would have, all at once: an ordinary user's are made together with
 * a user namespace, those of root before one.
 */
export function making(machine: Machine): Judgement {
  const there = machine.names("/proc/self/ns") ?? [];
  const all = KINDS.filter(([, file]) => there.includes(file));
  const others = all.filter(([type]) => type !== "user");
  const needed = all.filter(([type]) => NEEDED.includes(type));
  const user = all.filter(([type]) => type === "user");
  const tries = canAdminister(machine) ? [others, needed] : [all, [...needed, ...user]];
  const errnos: number[] = [];
  for (const kinds of tries) {
    const errno = machine.unshare(flagsOf(kinds));
    if (errno === 0) return judged(kinds, errnos[0], machine);
    errnos.push(errno);
  }
  return {
    verdict: "fatal",
    found: `this caller may make none: ${errnoText(errnos[0] ?? 0)}`,
    effect: "creates no container",
    advice: adviceFor(machine),
  };
}

type Kinds = readonly (readonly [type: string, file: string, flag: number])[];

function judged(made: Kinds, errno: number | undefined, machine: Machine): Judgement {
  const types = made.map(([type]) => type);
  const failed = errno ?? (types.includes("user") ? 0 : machine.unshare(CLONE_NEWUSER));
  if (failed === 0) return good("this caller may make all kinds at once");
  return {
    verdict: "limited",
    found: `this caller may make ${listText(types)}; the others fail: ${errnoText(failed)}`,
    effect: "has the kernel refuse configurations with the others",
    advice: adviceFor(machine),
  };
}

function flagsOf(kinds: Kinds): number {
  return kinds.reduce((flags, [, , flag]) => flags | flag, 0);
}

/** Settings by which distributions keep users from making namespaces. */
const SETTINGS: readonly [file: string, closed: number, advice: string][] = [
  ["user/max_user_namespaces", 0, "sysctl user.max_user_namespaces=15000"],
  ["kernel/unprivileged_userns_clone", 0, "sysctl kernel.unprivileged_userns_clone=1"],
  [
    "kernel/apparmor_restrict_unprivileged_userns",
    1,
    "an AppArmor profile for runt that allows userns, or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
  ],
];

export function settings({ text }: Machine): Judgement {
  const closed = SETTINGS.filter(([file, value]) => numberIn(text(`/proc/sys/${file}`)) === value);
  if (closed.length === 0) return good("nothing keeps ordinary users from them");
  return {
    verdict: "limited",
    found: closed.map(([file, value]) => `${file.replace("/", ".")} = ${value}`).join(", "),
    effect: "creates no containers for other users than root",
    advice: closed.map(([, , advice]) => advice).join("; "),
  };
}

function adviceFor(machine: Machine): string {
  const { advice } = settings(machine);
  return advice ?? "look for a security module or a seccomp profile around this process";
}
