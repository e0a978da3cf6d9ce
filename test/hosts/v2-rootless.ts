// A workstation with systemd and SELinux: an ordinary user's shell.

import type { HostFacts } from "../../runtime/host/facts.ts";
import { v2Root } from "./v2-root.ts";

export const v2Rootless: HostFacts = {
  ...v2Root,
  uid: 1000,
  gid: 1000,
  capabilities: [],
  apparmor: false,
  selinux: true,
  cgroup: {
    mode: "v2",
    hierarchies: [
      {
        controllers: [],
        mount: "/sys/fs/cgroup",
        own: "/user.slice/user-1000.slice/user@1000.service/app.slice/shell.scope",
      },
    ],
  },
};
