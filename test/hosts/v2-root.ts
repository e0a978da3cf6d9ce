// A server with systemd: Linux 6.12, cgroup v2 alone, AppArmor, root in a login session.

import type { HostFacts } from "../../runtime/host/facts.ts";
import { CAPABILITIES } from "./capabilities.ts";

export const v2Root: HostFacts = {
  machine: "x86_64",
  seccompFlags: 0x3f,
  uid: 0,
  gid: 0,
  userNamespace: false,
  capabilities: CAPABILITIES,
  lastCapability: 40,
  apparmor: true,
  selinux: false,
  resctrl: null,
  cgroup: {
    mode: "v2",
    hierarchies: [
      {
        controllers: [],
        mount: "/sys/fs/cgroup",
        own: "/user.slice/user-0.slice/session-2.scope",
      },
    ],
  },
};
