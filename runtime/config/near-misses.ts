// Unknown properties that resemble known ones. The specification has unknown properties ignored, so
// a slip of the pen goes unnoticed unless it is asked for.

import type { Problem } from "../errors.ts";
import { closest } from "./closest.ts";
import { shortText } from "./found.ts";
import { schemaTable } from "./schemas.gen.ts";
import { escapeKey, walk } from "./walk.ts";

/**
 * A problem for each unknown property whose name resembles a known one of its place.
 *
 * @param type name of the value's type in the schema table
 */
export function nearMisses(value: unknown, type = "Config"): Problem[] {
  const problems: Problem[] = [];
  walk(value, { type, table: schemaTable() }, ({ value: object, pointer, node }) => {
    const { properties } = node;
    if (properties === undefined || typeof object !== "object" || object === null) return;
    for (const key of Object.keys(object)) {
      if (Object.hasOwn(properties, key)) continue;
      const known = closest(key, Object.keys(properties));
      if (known === undefined) continue;
      problems.push({
        pointer: `${pointer}/${escapeKey(key)}`,
        message: `found the unknown property ${shortText(key)}`,
        ...(node.spec === undefined ? {} : { spec: node.spec }),
        hint: `did you mean ${shortText(known)}?`,
      });
    }
  });
  return problems;
}
