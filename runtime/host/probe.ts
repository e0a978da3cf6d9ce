// The one place that asks the machine what it is.

import { cgroupLayout, mountOf } from "../cgroup/layout.ts";
import { readFile } from "../sys/file.ts";
import { seccompFlags } from "../sys/seccomp.ts";
import { CAPABILITIES } from "./capabilities.ts";
import type { HostFacts } from "./facts.ts";
import { isApparmorEnabled, isSelinuxEnabled } from "./security-modules.ts";
import { inUserNamespace } from "./user.ts";

/** Asks the machine once; the result never changes. */
export function probeHost(): HostFacts {
  const status = readFile("/proc/self/status");
  return Object.freeze({
    machine: process.arch === "x64" ? "x86_64" : "aarch64",
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    userNamespace: inUserNamespace(),
    capabilities: capabilitiesIn(status),
    get seccompFlags() {
      return seccompFlags();
    },
    get lastCapability() {
      return Number(readFile("/proc/sys/kernel/cap_last_cap"));
    },
    get apparmor() {
      return isApparmorEnabled();
    },
    get selinux() {
      return isSelinuxEnabled();
    },
    cgroup: cgroupLayout(readFile("/proc/self/mountinfo"), readFile("/proc/self/cgroup")),
    get resctrl() {
      return mountOf("resctrl", readFile("/proc/self/mountinfo"));
    },
  });
}

/** What can be granted: permitted to the caller, and in its bounding set. */
function capabilitiesIn(status: string): string[] {
  const maskOf = (name: string): bigint => {
    const start = status.indexOf(`\n${name}:\t`);
    if (start === -1) return 0n;
    const hex = status.slice(start + name.length + 3, status.indexOf("\n", start + 1));
    return BigInt(`0x${hex}`);
  };
  const mask = maskOf("CapPrm") & maskOf("CapBnd");
  return CAPABILITIES.filter((_, number) => (mask >> BigInt(number)) & 1n);
}
