// A walk over a value together with its schema.

import { childNode, resolveNode, type SchemaNode, type SchemaTable } from "./schema-node.ts";

/** One value of a document. */
export interface Visited {
  value: unknown;
  /** JSON pointer of the value. */
  pointer: string;
  /** The resolved schema of the value. */
  node: SchemaNode;
}

/** Visits the value and everything below it that the schema knows, from the top. */
export function walk(
  value: unknown,
  schema: { type: string; table: SchemaTable },
  visit: (visited: Visited) => void,
): void {
  descend({ value, pointer: "", node: resolveNode({ ref: schema.type }, schema.table) });

  function descend(visited: Visited): void {
    visit(visited);
    if (typeof visited.value !== "object" || visited.value === null) return;
    for (const [key, child] of Object.entries(visited.value)) {
      const node = childNode(visited.node, key);
      if (node === undefined) continue;
      const pointer = `${visited.pointer}/${escapeKey(key)}`;
      descend({ value: child, pointer, node: resolveNode(node, schema.table) });
    }
  }
}

/** A key as a segment of a JSON pointer (RFC 6901). */
export function escapeKey(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
