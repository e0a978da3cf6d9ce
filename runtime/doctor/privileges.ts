// The caller's privileges: who it is, and which capabilities it has to give.

import { CAPABILITIES } from "../host/capabilities.ts";
import type { Machine } from "../host/machine.ts";
import { good, type Judgement } from "./check.ts";

export function user(machine: Machine): Judgement {
  const { uid } = machine;
  if (canAdminister(machine)) return good(uid === 0 ? "root" : `${uid}, with CAP_SYS_ADMIN`);
  return {
    verdict: "limited",
    found: uid === 0 ? "root without CAP_SYS_ADMIN" : `${uid}, without privileges`,
    effect: "creates containers with a user namespace alone; limits and devices as far as allowed",
    ...(uid !== 0 && { advice: "call it as root, for all it can do" }),
  };
}

export function capabilities(machine: Machine): Judgement {
  if (!canAdminister(machine)) return good("all of them, inside a user namespace");
  const bounding = maskOf(machine, "CapBnd");
  const last = Number(machine.text("/proc/sys/kernel/cap_last_cap") ?? CAPABILITIES.length - 1);
  const missing = CAPABILITIES.filter(
    (_, number) => number <= last && ((bounding >> BigInt(number)) & 1n) === 0n,
  );
  if (missing.length === 0) return good(`all ${last + 1} in the bounding set`);
  return {
    verdict: NEEDED.some((name) => missing.includes(name)) ? "fatal" : "limited",
    found: `not in the bounding set: ${missing.join(" ")}`,
    effect: `leaves them out of containers, with a warning${CONSEQUENCES.filter(([name]) =>
      missing.includes(name),
    )
      .map(([, text]) => `; ${text}`)
      .join("")}`,
    advice: "give them to the container or service that this runs in, if they are needed",
  };
}

/** Without these no program of a container can be given an identity of its own. */
const NEEDED: readonly string[] = ["CAP_SETPCAP", "CAP_SETGID"];

const CONSEQUENCES: readonly [capability: string, text: string][] = [
  ["CAP_SYS_RESOURCE", "raises no limit above its own, and lowers no oomScoreAdj"],
  ["CAP_MKNOD", "binds the host's device nodes instead of making them"],
  ["CAP_SETPCAP", "cannot take capabilities from a program, and starts none"],
  ["CAP_SETGID", "cannot set the groups of a program, and starts none"],
  ["CAP_SETUID", "starts programs of root alone"],
  ["CAP_NET_ADMIN", "makes no network namespace and moves no device, but in a user namespace"],
  ["CAP_SYS_NICE", "sets no real-time scheduling"],
];

/** Whether the caller may do in the namespaces that it is in what root may do. */
export function canAdminister(machine: Machine): boolean {
  const CAP_SYS_ADMIN = 21n;
  return ((maskOf(machine, "CapEff") >> CAP_SYS_ADMIN) & 1n) === 1n;
}

function maskOf({ text }: Machine, name: string): bigint {
  const hex = new RegExp(`^${name}:\\s*([0-9a-f]+)`, "m").exec(text("/proc/self/status") ?? "");
  return BigInt(`0x${hex?.[1] ?? "0"}`);
}
