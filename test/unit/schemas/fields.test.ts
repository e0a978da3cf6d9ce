// The schemas describe every field, and the samples hold every field.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SchemaNode } from "../../../runtime/config/schema-node.ts";
import { schemaTable } from "../../../runtime/config/schemas.gen.ts";
import { walk } from "../../../runtime/config/walk.ts";
import { sampleConfig } from "./sample-config.ts";
import { sampleFeatures, sampleState } from "./sample-others.ts";

test("every field has a description and a heading of the specification", () => {
  const bare = fields().filter(
    ({ node }) => node.description === undefined || !/^[\w-]+\.md#[\w-]+$/.test(node.spec ?? ""),
  );
  assert.equal(bare, []);
});

test("every integer has a unit, save for those that are no quantity", () => {
  const bare = fields().filter(({ node }) => isInteger(node) && node.unit === undefined);
  assert.equal(
    bare.map(({ name }) => name),
    [
      "SyscallArg.value",
      "SyscallArg.valueTwo",
      "WindowsAffinity.mask",
      "WindowsAffinity.group",
      "FreeBSDJail.enforceStatfs",
    ],
  );
});

test("the samples hold every field", () => {
  const seen = new Set<SchemaNode>();
  const table = schemaTable();
  const samples = [
    { type: "Config", value: sampleConfig },
    { type: "Features", value: sampleFeatures },
    { type: "State", value: sampleState },
  ];
  for (const { type, value } of samples) {
    walk(value, { type, table }, ({ value: object, node }) => {
      for (const key of Object.keys(Object(object))) {
        const field = node.properties?.[key];
        if (field !== undefined) seen.add(field);
      }
    });
  }
  const missing = fields(table).filter(({ node }) => !seen.has(node));
  assert.equal(
    missing.map(({ name }) => name),
    [],
  );
});

function fields(table = schemaTable()): { name: string; node: SchemaNode }[] {
  return Object.entries(table).flatMap(([type, { properties }]) =>
    Object.entries(properties ?? {}).map(([key, node]) => ({ name: `${type}.${key}`, node })),
  );
}

function isInteger(node: SchemaNode): boolean {
  return node.type === "integer" || /^u?int\d+$/.test(node.ref ?? "");
}

test.run();
