// A workstation with systemd and SELinux: an ordinary user's shell, who may still have every
// capability in a user namespace of their own.

import type { HostFacts } from "../../runtime/host/facts.ts";
import { v2Root } from "./v2-root.ts";

export const v2Rootless: HostFacts = {
  ...v2Root,
  uid: 1000,
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
