// A small virtual machine: Linux 6.18, cgroup v1 hierarchies one a controller with an empty cgroup2
// beside them, no security module, root without CAP_SYS_RESOURCE, in a memory cgroup of its own.

import type { HostFacts } from "../../runtime/host/facts.ts";
import { CAPABILITIES } from "./capabilities.ts";

const V1 = ["cpu", "cpuacct", "cpuset", "devices", "freezer", "blkio", "pids"];

export const hybridRoot: HostFacts = {
  machine: "x86_64",
  seccompFlags: 0x3f,
  uid: 0,
  gid: 0,
  userNamespace: false,
  capabilities: CAPABILITIES.filter((name) => name !== "CAP_SYS_RESOURCE"),
  lastCapability: 40,
  apparmor: false,
  selinux: false,
  resctrl: null,
  cgroup: {
    mode: "hybrid",
    hierarchies: [
      ...V1.map((name) => ({ controllers: [name], mount: `/sys/fs/cgroup/${name}`, own: "/" })),
      { controllers: ["memory"], mount: "/sys/fs/cgroup/memory", own: "/tenant" },
      { controllers: ["name=systemd"], mount: "/sys/fs/cgroup/systemd", own: "/" },
      { controllers: [], mount: "/sys/fs/cgroup/unified", own: "/" },
    ],
  },
};
