// What plans are made for in tests that make no container.

import type { Container } from "../../runtime/clauses/container.ts";

/** A container named demo, called in the foreground by someone with few variables. */
export const demo: Container = {
  id: "demo",
  bundle: "/bundles/demo",
  rootfs: "/bundles/demo/rootfs",
  directory: "/run/runt/demo",
  rootless: false,
  systemd: null,
  missingCgroups: [],
  missingClasses: [],
  console: { kind: "foreground" },
  preserveFds: 0,
  listenFds: 0,
  listenFdNames: null,
  notifySocket: null,
  callerNamespaces: [],
  sessionKeyring: true,
  pivot: true,
  idMappers: { newuidmap: "/usr/bin/newuidmap", newgidmap: "/usr/bin/newgidmap" },
  environment: ["PATH=/usr/bin"],
  openFiles: { soft: "1024", hard: "1048576" },
};
