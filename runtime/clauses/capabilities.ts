// process.capabilities (config.md#linux-process): names to numbers, and what cannot be granted.

import type { Capabilities, Config } from "../config/types.gen.ts";
import { CAPABILITIES } from "../host/capabilities.ts";
import type { HostFacts } from "../host/facts.ts";
import { warn } from "../ops/warn.ts";
import { type Step, step } from "../plan/step.ts";
import { hasNamespace } from "./namespaces.ts";

type SetName = keyof Capabilities;

export interface CapabilitiesClause {
  sets: Record<SetName, number[]>;
  /** Numbers of all that init has before it gives any up. */
  held: number[];
  /** One warning that names everything unknown or out of reach. */
  warnings: readonly Step[];
}

/**
 * The five sets of the program. What the kernel does not know or the caller does not have, and what
 * capabilities(7) rules out between the sets, is left out with a warning, as the specification
 * wants; without the field a process gets none.
 */
export function capabilities(config: Config, facts: HostFacts): CapabilitiesClause {
  const asked = config.process?.capabilities ?? {};
  const held = heldByInit(config, facts);
  const missing: string[] = [];
  const granted = (set: SetName, allows: (capability: number) => boolean): number[] =>
    [...new Set(asked[set])].flatMap((name) => {
      const number = CAPABILITIES.indexOf(name);
      if (!held.includes(number)) missing.push(name);
      else if (allows(number)) return [number];
      else missing.push(`${name} (${set})`);
      return [];
    });
  const bounding = granted("bounding", () => true);
  const inheritable = granted("inheritable", () => true);
  // execve(2) takes everything else away, whoever the user is.
  const permitted = granted(
    "permitted",
    (one) => bounding.includes(one) || inheritable.includes(one),
  );
  const effective = granted("effective", (one) => permitted.includes(one));
  const ambient = granted("ambient", (one) => permitted.includes(one) && inheritable.includes(one));
  const names = [...new Set(missing)].join(", ");
  const text = `capabilities that are unknown or cannot be granted are left out: ${names}`;
  return {
    sets: { bounding, effective, permitted, inheritable, ambient },
    held,
    warnings: names === "" ? [] : [step("host", warn({ text }), "/process/capabilities")],
  };
}

/** Whoever makes or joins a user namespace has every capability in it (user_namespaces(7)). */
function heldByInit(config: Config, facts: HostFacts): number[] {
  if (hasNamespace(config, "user")) return [...Array(facts.lastCapability + 1).keys()];
  return facts.capabilities.map((name) => CAPABILITIES.indexOf(name));
}
