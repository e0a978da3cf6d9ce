// Guesses at what a wrong value was meant to be.

import { closest } from "./closest.ts";
import { shortText } from "./found.ts";
import { resolveNode, type SchemaNode, type SchemaTable } from "./schema-node.ts";

/** What to do about a value that does not fit its schema; nothing where we have no idea. */
export function hintFor(value: unknown, node: SchemaNode, table: SchemaTable): string | undefined {
  if (value === null) return "to leave it unset, remove the property";
  switch (node.type) {
    case "integer":
    case "int64":
    case "uint64":
      return integerHint(value, node);
    case "boolean":
      return value === "true" || value === "false" ? `write ${value} without quotes` : undefined;
    case "string":
      return stringHint(value, node);
    case "array":
      return arrayHint(value, resolveNode(node.items ?? {}, table));
    default:
      return undefined;
  }
}

function integerHint(value: unknown, node: SchemaNode): string | undefined {
  const isMode = node.unit === "permission bits";
  if (typeof value === "string") {
    const octal = /^0o?([0-7]+)$/.exec(value)?.[1];
    if (isMode && octal !== undefined) return decimalHint(octal);
    return /^-?(?:0|[1-9]\d*)$/.test(value) ? `write ${value} without quotes` : undefined;
  }
  if (isMode && /^[0-7]{3,4}$/.test(String(value))) return decimalHint(String(value));
  return undefined;
}

function decimalHint(octal: string): string {
  const digits = octal.replace(/^0+(?=.)/, "");
  return `JSON has no octal numbers: for 0${digits} write ${Number.parseInt(digits, 8)}`;
}

function stringHint(value: unknown, node: SchemaNode): string | undefined {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return node.enum === undefined ? `write "${value}" in quotes` : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (node.enum !== undefined) return enumHint(value, node.enum);
  if (node.pattern === undefined) return undefined;
  const upper = value.toUpperCase();
  if (new RegExp(node.pattern, "u").test(upper)) return `did you mean ${shortText(upper)}?`;
  return undefined;
}

function enumHint(value: string, known: readonly string[]): string | undefined {
  // People leave out the common prefix: NOFILE for RLIMIT_NOFILE, or use the kernel's short names.
  const upper = value.toUpperCase();
  const suffixed = known.find((name) => name.endsWith(`_${upper}`));
  const kernel = KERNEL_NAMES[value];
  const named = kernel !== undefined && known.includes(kernel) ? kernel : undefined;
  const meant = suffixed ?? named ?? closest(value, known);
  return meant === undefined ? undefined : `did you mean ${shortText(meant)}?`;
}

/** Names in /proc/PID/ns that differ from the specification's. */
const KERNEL_NAMES: Readonly<Record<string, string>> = { mnt: "mount", net: "network" };

function arrayHint(value: unknown, item: SchemaNode): string | undefined {
  const isOne =
    (item.type === "string" && typeof value === "string") ||
    (item.type === "integer" && typeof value === "number") ||
    (item.type === "object" && typeof value === "object" && !Array.isArray(value));
  if (!isOne) return undefined;
  return typeof value === "string" ? `write [${shortText(value)}]` : "put it in [ ]";
}
