// What a validator found, in words: the value, what is wanted instead, and a hint where we know one.

import type { Problem } from "../errors.ts";
import { closest } from "./closest.ts";
import { foundText, shortText } from "./found.ts";
import { hintFor } from "./hints.ts";
import { childNode, resolveNode, type SchemaNode, type SchemaTable } from "./schema-node.ts";
import { schemaTable } from "./schemas.gen.ts";
import type { SchemaError } from "./validate.ts";
import { wantedText } from "./wanted.ts";

/**
 * Words the errors of a validator, one problem for each place and fault.
 *
 * @param type name of the value's type in the schema table
 */
export function problemsFrom(
  errors: readonly SchemaError[],
  value: unknown,
  type: string,
): Problem[] {
  const table = schemaTable();
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    // A fault in a key is reported twice: for the key, and for the object that has it.
    if (error.propertyName !== undefined) continue;
    const place = placeOf(error.instancePath, { value, type, table });
    const problem = problemAt(error, place);
    problems.set(`${problem.pointer} ${problem.message}`, problem);
  }
  return [...problems.values()];
}

interface Place {
  value: unknown;
  node: SchemaNode;
  table: SchemaTable;
}

function placeOf(
  pointer: string,
  document: { value: unknown; type: string; table: SchemaTable },
): Place {
  const { table } = document;
  let { value } = document;
  let node = resolveNode({ ref: document.type }, table);
  for (const segment of pointer.split("/").slice(1)) {
    const key = segment.replaceAll("~1", "/").replaceAll("~0", "~");
    value = isRecord(value) ? value[key] : undefined;
    node = resolveNode(childNode(node, key) ?? {}, table);
  }
  return { value, node, table };
}

function problemAt(error: SchemaError, place: Place): Problem {
  const { value, node, table } = place;
  const spec = node.spec === undefined ? {} : { spec: node.spec };
  const pointer = error.instancePath;
  if (error.keyword === "required") {
    return { pointer, ...missing(String(error.params["missingProperty"]), place), ...spec };
  }
  if (error.keyword === "propertyNames") {
    const key = shortText(String(error.params["propertyName"]));
    const wanted = wantedText(resolveNode(node.keys ?? {}, table));
    return { pointer, message: `found the key ${key}, wanted ${wanted}`, ...spec };
  }
  const hint = hintFor(value, node, table);
  return {
    pointer,
    message: `found ${foundText(value)}, wanted ${wantedText(node)}`,
    ...spec,
    ...(hint === undefined ? {} : { hint }),
  };
}

function missing(name: string, place: Place): { message: string; spec?: string; hint?: string } {
  const { value, node, table } = place;
  const { description = "", spec } = resolveNode(node.properties?.[name] ?? {}, table);
  const unknown = Object.keys(isRecord(value) ? value : {}).filter(
    (key) => node.properties?.[key] === undefined,
  );
  const meant = unknown.find((key) => closest(key, [name]) !== undefined);
  const about = description.replace(/\.$/, "");
  return {
    message: `found no "${name}", which is required (${about})`,
    ...(spec === undefined ? {} : { spec }),
    ...(meant === undefined ? {} : { hint: `rename ${shortText(meant)} to "${name}"` }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
