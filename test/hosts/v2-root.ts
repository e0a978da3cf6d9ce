// A server with systemd: Linux 6.12, cgroup v2 alone, AppArmor, root in a login session.

import type { HostFacts } from "../../runtime/host/facts.ts";
import { CAPABILITIES } from "./capabilities.ts";

export const v2Root: HostFacts = {
  kernel: "6.12.43+deb13-amd64",
  machine: "x86_64",
  uid: 0,
  userNamespace: false,
  capabilities: CAPABILITIES,
  umask: 0o022,
  apparmor: true,
  selinux: false,
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
  namespaces: {
    cgroup: "4026531835",
    ipc: "4026531839",
    mnt: "4026531841",
    net: "4026531840",
    pid: "4026531836",
    time: "4026531834",
    user: "4026531837",
    uts: "4026531838",
  },
};
