// What a schema wants of a value, in words.

import type { SchemaNode } from "./schema-node.ts";

/** Such as "an integer from 0 to 7 (level, 0 to 7)" or "one of c, b, u, p". */
export function wantedText(node: SchemaNode): string {
  if (node.wanted !== undefined) return node.wanted;
  if (node.enum !== undefined) {
    return node.enum.length === 1 ? `${node.enum}` : `one of ${node.enum.join(", ")}`;
  }
  const unit = node.unit === undefined ? "" : ` (${node.unit})`;
  switch (node.type) {
    case "boolean":
      return "true or false";
    case "int64":
      return `an integer from -9223372036854775808 to 9223372036854775807${unit}`;
    case "uint64":
      return `an integer from 0 to 18446744073709551615${unit}`;
    case "integer":
      return `${integerText(node)}${unit}`;
    default:
      return `${/^[aeo]/.test(node.type ?? "") ? "an" : "a"} ${node.type ?? "value"}`;
  }
}

function integerText({ minimum, maximum }: SchemaNode): string {
  if (minimum === undefined) return "an integer";
  if (maximum === undefined) return `an integer of at least ${minimum}`;
  return `an integer from ${minimum} to ${maximum}`;
}
