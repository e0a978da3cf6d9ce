// One field of a configuration taken away or changed, each in its turn.

import { childNode, resolveNode, type SchemaNode } from "../../../runtime/config/schema-node.ts";
import { schemaTable } from "../../../runtime/config/schemas.gen.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";

export interface Changed {
  /** The way to the field. */
  keys: readonly string[];
  config: Config;
}

/** The configuration without each of its values, and with another one for each plain one. */
export function* changesOf(config: Config): Generator<Changed> {
  yield* below(config, resolveNode({ ref: "Config" }, schemaTable()), []);

  function* below(value: unknown, node: SchemaNode, keys: readonly string[]): Generator<Changed> {
    for (const [key, child] of Object.entries(Object(value))) {
      const inner = resolveNode(childNode(node, key) ?? {}, schemaTable());
      const way = [...keys, key];
      yield { keys: way, config: replaced(config, way, undefined) };
      for (const other of othersOf(child, inner)) {
        yield { keys: way, config: replaced(config, way, other) };
      }
      if (typeof child === "object") yield* below(child, inner, way);
    }
  }
}

/** Values of the same type, of which some may not be accepted. */
function othersOf(value: unknown, node: SchemaNode): unknown[] {
  if (node.enum !== undefined) return node.enum.filter((other) => other !== value).slice(0, 7);
  if (typeof value === "boolean") return [!value];
  if (typeof value === "number") return [value + 1, value - 1];
  if (typeof value === "string") {
    const fitting = node.pattern === undefined ? [] : [`1${value}`];
    return [`${value}x`, `${value.slice(0, -1)}1`, ...fitting];
  }
  return [];
}

/** A copy with another value at a place; undefined takes it away. */
export function replaced<T>(document: T, keys: readonly string[], value: unknown): T {
  const copy = structuredClone(document);
  let holder: Record<string, unknown> = Object(copy);
  for (const key of keys.slice(0, -1)) holder = Object(holder[key]);
  const last = keys.at(-1) ?? "";
  if (value !== undefined) holder[last] = value;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy;
}
