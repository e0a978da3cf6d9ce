// What is known about one place of a configuration: the lines of the generated schema table.

/** A value's schema, with the facts that messages and help need. */
export interface SchemaNode {
  /** Name of a type of the table; its facts hold too, except where this node states its own. */
  ref?: string;
  description?: string;
  /** Heading of the specification, such as "config.md#process". */
  spec?: string;
  unit?: string;
  /** What is wanted, in words, where the other facts do not read well. */
  wanted?: string;
  type?: "object" | "array" | "string" | "boolean" | "integer" | "int64" | "uint64";
  required?: readonly string[];
  properties?: Readonly<Record<string, SchemaNode>>;
  /** Schema of the values of a map, of which any key is allowed. */
  values?: SchemaNode;
  /** Schema of the keys of a map. */
  keys?: SchemaNode;
  items?: SchemaNode;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
}

/** Schemas by the name of their type, such as "Config" or "Mount". */
export type SchemaTable = Readonly<Record<string, SchemaNode>>;

/** The node with the facts of the type that it names. */
export function resolveNode(node: SchemaNode, table: SchemaTable): SchemaNode {
  if (node.ref === undefined) return node;
  const target = table[node.ref];
  if (target === undefined) throw new Error(`No type ${node.ref} in the schema table`);
  return { ...resolveNode(target, table), ...node };
}

/** Schema of a property or an entry below a resolved node; none where the schema says nothing. */
export function childNode(node: SchemaNode, key: string): SchemaNode | undefined {
  if (node.type === "array") return node.items;
  if (node.properties !== undefined && Object.hasOwn(node.properties, key)) {
    return node.properties[key];
  }
  return node.values;
}
