// One field of config.json: what the specification says, and what is done with it here.

import { IGNORED_FIELDS } from "../clauses/ignored.ts";
import { type Field, fieldNamed } from "../config/field.ts";
import type { SchemaNode } from "../config/schema-node.ts";
import { wantedText } from "../config/wanted.ts";
import { OCI_VERSION } from "../version.ts";

/** A field as `runt explain` shows it. */
export interface Explained extends Field {
  /** Whether it is acted on, or means nothing here. */
  status: Status;
  /** Which values are accepted, in words; absent where the type says it. */
  allowed?: string;
  /** Where the specification is to be read. */
  url: string;
}

export type Status = "acted on" | "ignored";

/**
 * @param path dotted, or a JSON pointer; empty for the whole configuration
 * @throws RuntimeError for a field that does not exist
 */
export function explain(path: string): Explained {
  const field = fieldNamed(path);
  const spec = field.node.spec ?? "config.md";
  const allowed = field.node.wanted ?? allowedText(field.entry);
  return {
    ...field,
    ...(allowed !== undefined && { allowed }),
    status: statusOf(field.pointer),
    url: `https://github.com/opencontainers/runtime-spec/blob/v${OCI_VERSION}/${spec}`,
  };
}

/** What becomes of a field, from the tables that the clauses themselves work by. */
export function statusOf(pointer: string): Status {
  return isBelow(pointer, IGNORED_FIELDS) ? "ignored" : "acted on";
}

function allowedText({ unit: _, ...node }: SchemaNode): string | undefined {
  const isTold = node.enum !== undefined || /int/.test(node.type ?? "") || node.wanted;
  return isTold ? wantedText(node) : undefined;
}

function isBelow(pointer: string, parents: readonly string[]): boolean {
  return parents.some((parent) => pointer === parent || pointer.startsWith(`${parent}/`));
}
