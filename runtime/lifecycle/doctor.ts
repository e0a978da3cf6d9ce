// What this machine offers, and what becomes of the rest.

import type { Finding } from "../doctor/check.ts";
import { CHECKS } from "../doctor/checks.ts";
import { examine } from "../doctor/examine.ts";
import { thisMachine } from "../host/probe-machine.ts";

export type { Finding };

/**
 * Examines this machine for this caller. Afterwards the process is in new namespaces: it has to end.
 * @param root absolute path of the state root; throws a RuntimeError where there is none
 */
export function doctor(root: () => string): Finding[] {
  return examine(thisMachine(root), CHECKS);
}
