// The part of JSON Schema 2020-12 that the schemas here use, and their named types.

import type { Explanation } from "../runtime/config/explanation.ts";

/** A schema, or a part of one. */
export interface JsonSchema {
  $id?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  title?: string;
  description?: string;
  /** Heading of the specification. */
  "x-spec"?: string;
  /** Unit of the value. */
  "x-unit"?: string;
  /** What is wanted, in words, where the keywords do not read well. */
  "x-wanted"?: string;
  /** What the program does with the field; for `runt explain` alone. */
  "x-runt"?: Explanation;
  type?: "object" | "array" | "string" | "boolean" | "integer";
  required?: string[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  not?: { minimum: number; maximum: number };
  minItems?: number;
  minLength?: number;
  pattern?: string;
}

/** A type that has a name: a document's top by its title, a definition by its key. */
export interface NamedSchema {
  name: string;
  schema: JsonSchema;
}

/** All named types of the documents, in the order in which they are written. */
export function namedSchemas(documents: readonly JsonSchema[]): NamedSchema[] {
  const named: NamedSchema[] = [];
  for (const document of documents) {
    if (document.title !== undefined) named.push({ name: document.title, schema: document });
    for (const [name, schema] of Object.entries(document.$defs ?? {})) {
      named.push({ name, schema });
    }
  }
  const names = named.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two types are named ${twice}`);
  return named;
}

/** Name of the type that a `$ref` points to: "linux.json" is Linux, "a.json#/$defs/Hook" is Hook. */
export function refName(ref: string, documents: readonly JsonSchema[]): string {
  const [file, pointer] = ref.split("#");
  if (pointer !== undefined) return pointer.slice("/$defs/".length);
  const title = documents.find((document) => document.$id === file)?.title;
  if (title === undefined) throw new Error(`No schema is named ${ref}`);
  return title;
}

/** Whether a definition is a type of its own in TypeScript; the others are plain strings and numbers. */
export function hasOwnType(schema: JsonSchema): boolean {
  return schema.type === "object" || schema.enum !== undefined;
}
