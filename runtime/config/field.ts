// A field of config.json by its name: "linux.seccomp.syscalls.args.op", or as a JSON pointer,
// "/linux/seccomp/syscalls/0/args/1/op". Places in lists say nothing of a field and are skipped.

import { RuntimeError } from "../errors.ts";
import { closest } from "./closest.ts";
import { explanationTable } from "./explain.gen.ts";
import type { Explanation } from "./explanation.ts";
import { shortText } from "./found.ts";
import { childNode, resolveNode, type SchemaNode, type SchemaTable } from "./schema-node.ts";
import { schemaTable } from "./schemas.gen.ts";

/** A field, with everything that is known about it. */
export interface Field {
  /** Dotted, without places in lists; "" is the whole configuration. */
  name: string;
  /** JSON pointer, * standing for any entry of a list or a map. */
  pointer: string;
  /** Its own facts and those of its type. */
  node: SchemaNode;
  /** The same of its entries, if it is a list or a map; else of itself. */
  entry: SchemaNode;
  /** What is said of its closed list of values, if it has one. */
  about?: string;
  required: boolean;
  explanation: Required<Explanation>;
  /** What is in it, or in its entries; of these nothing is told of what is in them. */
  fields: readonly Field[];
}

/** @throws RuntimeError for a name that is none, with the nearest known one. */
export function fieldNamed(path: string): Field {
  let place: Place = { ...top(schemaTable()), names: [], pointer: "" };
  for (let rest = segmentsOf(path); rest.length > 0; ) {
    const [segment = "", ...others] = rest;
    const inside = contentOf(place);
    const known = inside.node.properties ?? {};
    if (Object.hasOwn(known, segment)) place = below(inside, segment);
    else if (isList(place.node) && /^\d+$/.test(segment)) place = { ...place, isEntry: true };
    else if (place.node.values !== undefined && place.isEntry !== true) {
      // Any key is one of a map, and one of plain values may have dots in it.
      place = { ...place, isEntry: true };
      if (Object.keys(known).length === 0) return fieldAt(place);
    } else throw unknownField(segment, place, known);
    rest = others;
  }
  return fieldAt(place);
}

interface Place {
  node: SchemaNode;
  /** Name of the type that it was reached by; properties are explained by it. */
  type: string | undefined;
  names: readonly string[];
  pointer: string;
  required: boolean;
  explanation: Required<Explanation>;
  /** Whether the last segment was a place in a list or a key of a map. */
  isEntry?: boolean;
  table: SchemaTable;
}

function top(table: SchemaTable) {
  const does =
    "Checks it whole, reports all problems at once, and makes the plan of `create` of it.";
  return {
    node: resolveNode({ ref: "Config" }, table),
    type: "Config",
    required: true,
    explanation: { does, steps: [], kernel: "" },
    table,
  };
}

function segmentsOf(path: string): string[] {
  const isPointer = path.startsWith("/");
  const segments = isPointer
    ? path
        .slice(1)
        .split("/")
        .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"))
    : path.replace(/\[(\d+|\*)?\]/g, ".0").split(".");
  return segments.filter((segment) => segment !== "" && segment !== "*");
}

/** The place itself, or what its entries are. */
function contentOf(place: Place): Place {
  let { node, type, pointer } = place;
  for (let entry = entryOf(node); entry !== undefined; entry = entryOf(node)) {
    type = entry.ref;
    node = resolveNode(entry, place.table);
    pointer = `${pointer}/*`;
  }
  return { ...place, node, type, pointer };
}

function entryOf(node: SchemaNode): SchemaNode | undefined {
  return node.items ?? node.values;
}

function isList(node: SchemaNode): boolean {
  return node.items !== undefined;
}

function below(place: Place, key: string): Place {
  const { node, table, names, pointer } = place;
  const child = childNode(node, key) ?? {};
  const explained = explanationTable()[place.type ?? ""]?.[key];
  return {
    node: resolveNode(child, table),
    type: child.ref,
    names: [...names, key],
    pointer: `${pointer}/${key}`,
    required: node.required?.includes(key) === true,
    explanation: { ...place.explanation, ...explained },
    table,
  };
}

function fieldAt(place: Place): Field {
  const content = contentOf(place);
  const keys = Object.keys(content.node.properties ?? {});
  return { ...fieldOf(place), fields: keys.map((key) => fieldOf(below(content, key))) };
}

function fieldOf(place: Place): Field {
  const { names, pointer, node, required, explanation, table } = place;
  const { node: entry, type = "" } = contentOf(place);
  const about = entry.enum === undefined ? undefined : table[type]?.description;
  return {
    name: names.join("."),
    pointer,
    node,
    entry,
    ...(about !== undefined && { about }),
    required,
    explanation,
    fields: [],
  };
}

function unknownField(
  segment: string,
  { names }: Place,
  known: Readonly<Record<string, unknown>>,
): RuntimeError {
  const parent = names.length === 0 ? "config.json" : names.join(".");
  const message = `${parent} has no field ${shortText(segment)}`;
  const meant = closest(segment, Object.keys(known));
  if (meant === undefined) return new RuntimeError(message);
  return new RuntimeError(`${message} (hint: did you mean ${[...names, meant].join(".")}?)`);
}
