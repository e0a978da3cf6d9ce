// What the caller may do that init may not: init in a user namespace has capabilities in it alone.

import type { Config } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { hasNamespace } from "./namespaces.ts";

/**
 * Whether a step that takes a capability of the initial user namespace has to be the host's: init
 * has left that namespace, and the caller has the capability there.
 */
export function onlyHostMay(config: Config, facts: HostFacts, capability: string): boolean {
  return (
    hasNamespace(config, "user") && isHostRoot(facts) && facts.capabilities.includes(capability)
  );
}

/** Whether the caller is root of the machine, and not of a user namespace alone. */
export function isHostRoot({ uid, userNamespace }: HostFacts): boolean {
  return uid === 0 && !userNamespace;
}
