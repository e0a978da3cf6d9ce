// Security modules, and what seccomp of this kernel can do.

import type { Machine } from "../host/machine.ts";
import { good, type Judgement, listText } from "./check.ts";

/** linux/seccomp.h */
const ACTIONS: readonly [name: string, value: number][] = [
  ["KILL_PROCESS", 0x80000000],
  ["KILL_THREAD", 0],
  ["TRAP", 0x30000],
  ["ERRNO", 0x50000],
  ["NOTIFY", 0x7fc00000],
  ["TRACE", 0x7ff00000],
  ["LOG", 0x7ffc0000],
  ["ALLOW", 0x7fff0000],
];

const NEW_LISTENER = 8;
const FLAGS: readonly [name: string, value: number][] = [
  ["TSYNC", 1],
  ["LOG", 2],
  ["SPEC_ALLOW", 4],
  ["WAIT_KILLABLE_RECV", 32 | NEW_LISTENER],
];

export function apparmor({ text }: Machine): Judgement {
  if (text("/sys/module/apparmor/parameters/enabled")?.trim() === "Y") return good("is active");
  return {
    verdict: "limited",
    found: "is not active",
    effect: "refuses configurations with process.apparmorProfile",
    advice: "none needed without such configurations; else boot with security=apparmor",
  };
}

export function selinux({ text, status }: Machine): Judgement {
  if (status("/sys/fs/selinux/enforce") !== undefined) {
    const isEnforced = text("/sys/fs/selinux/enforce")?.trim() === "1";
    return good(isEnforced ? "is active, enforcing" : "is active, permissive");
  }
  return {
    verdict: "limited",
    found: "is not active",
    effect: "refuses configurations with process.selinuxLabel, and leaves linux.mountLabel out",
    advice: "none needed without such configurations; else boot with security=selinux",
  };
}

export function actions({ hasAction }: Machine): Judgement {
  const missing = ACTIONS.filter(([, value]) => !hasAction(value)).map(([name]) => name);
  if (missing.length === 0) return good(listText(ACTIONS.map(([name]) => name)));
  return {
    verdict: "limited",
    found: `the kernel does not know ${missing.join(" ")}`,
    effect: "has the kernel refuse filters with these actions, when the container starts",
    advice: "a kernel that is built with CONFIG_SECCOMP_FILTER",
  };
}

export function flags({ hasFilterFlags }: Machine): Judgement {
  const missing = FLAGS.filter(([, value]) => !hasFilterFlags(value)).map(([name]) => name);
  if (missing.length === 0) return good(listText(FLAGS.map(([name]) => name)));
  return {
    verdict: "limited",
    found: `the kernel does not know ${missing.join(" ")}`,
    effect: "has the kernel refuse linux.seccomp.flags with these, when the container starts",
    advice: "a newer kernel: WAIT_KILLABLE_RECV came with 5.19",
  };
}
