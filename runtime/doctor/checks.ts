// What `doctor` looks at, in the order in which it is told. A new check is a line here and a
// function in the file of its area.

import { controllers, delegation, layout, realtime } from "./cgroups.ts";
import type { Check } from "./check.ts";
import { helpers, ranges } from "./ids.ts";
import { architecture, calls, filter, keyrings, later, version } from "./kernel.ts";
import { kinds, limits, making, settings } from "./namespaces.ts";
import { capabilities, user } from "./privileges.ts";
import { filesystems, libraries, numa, procfs, resctrl, stateRoot } from "./resources.ts";
import { actions, apparmor, flags, selinux } from "./security.ts";

export const CHECKS: readonly Check[] = [
  { area: "kernel", topic: "version", judge: version },
  { area: "kernel", topic: "machine", judge: architecture },
  { area: "kernel", topic: "system calls", judge: calls },
  { area: "kernel", topic: "newer features", judge: later },
  { area: "kernel", topic: "keyrings", judge: keyrings },
  { area: "caller", topic: "user", judge: user },
  { area: "caller", topic: "capabilities", judge: capabilities },
  { area: "caller", topic: "seccomp filter", judge: filter },
  { area: "caller", topic: "state folder", judge: stateRoot },
  { area: "caller", topic: "libraries", judge: libraries },
  { area: "namespaces", topic: "kinds", judge: kinds },
  { area: "namespaces", topic: "limits", judge: limits },
  { area: "namespaces", topic: "new ones", judge: making, last: true },
  { area: "namespaces", topic: "ordinary users", judge: settings },
  { area: "ids", topic: "ranges", judge: ranges },
  { area: "ids", topic: "programs", judge: helpers },
  { area: "cgroups", topic: "layout", judge: layout },
  { area: "cgroups", topic: "controllers", judge: controllers },
  { area: "cgroups", topic: "delegation", judge: delegation },
  { area: "cgroups", topic: "real-time tasks", judge: realtime },
  { area: "security", topic: "AppArmor", judge: apparmor },
  { area: "security", topic: "SELinux", judge: selinux },
  { area: "security", topic: "seccomp actions", judge: actions },
  { area: "security", topic: "seccomp flags", judge: flags },
  { area: "resources", topic: "filesystems", judge: filesystems },
  { area: "resources", topic: "procfs", judge: procfs },
  { area: "resources", topic: "resctrl", judge: resctrl },
  { area: "resources", topic: "memory nodes", judge: numa },
];
