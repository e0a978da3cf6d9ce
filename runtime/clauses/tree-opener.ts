// Who opens the host's trees that are mounted in the container.

import type { HostFacts } from "../host/facts.ts";

/**
 * The host, before the clone, with all its rights. An ordinary user has the right to open_tree(2)
 * only inside of the container's user namespace: there init opens them, still with the user's ids.
 */
export function treeOpener({ capabilities }: HostFacts): "host" | "init" {
  return capabilities.includes("CAP_SYS_ADMIN") ? "host" : "init";
}
