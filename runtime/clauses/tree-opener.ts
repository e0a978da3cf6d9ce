// Who opens the host's trees that are mounted in the container.

import type { Config } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { hasNamespace, hasNewNamespace } from "./namespaces.ts";

/**
 * The host, before the clone, with all its rights. An ordinary user has the right to open_tree(2)
 * only inside of the container's user namespace: there init opens them, still with the user's ids.
 * So it does for root of a user namespace, whose mounts may be those of the namespace above.
 */
export function treeOpener({ capabilities, userNamespace }: HostFacts): "host" | "init" {
  return capabilities.includes("CAP_SYS_ADMIN") && !userNamespace ? "host" : "init";
}

/**
 * Whether the host opens trees in init's mount namespace: the kernel locks what the mounts there
 * forbid, so that the root of a user namespace cannot take it off (mount_namespaces(7)).
 */
export function opensInside(config: Config, facts: HostFacts): boolean {
  const isOwned = hasNamespace(config, "user") && hasNewNamespace(config, "mount");
  return isOwned && treeOpener(facts) === "host";
}
