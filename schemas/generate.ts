// Writes what runtime/config has from the schemas here: types, validators, the schema table and the
// explanations of fields. Run by `bun schemas/generate.ts`; the output depends on the schemas and
// the pinned ajv alone.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { explainText } from "./explain-text.ts";
import type { JsonSchema } from "./json-schema.ts";
import { tableText } from "./table-text.ts";
import { typesText } from "./types-text.ts";
import { validatorText } from "./validator-text.ts";

const FILES = [
  "common.json",
  "config.json",
  "process.json",
  "linux.json",
  "resources.json",
  "seccomp.json",
  "platforms.json",
  "state.json",
  "features.json",
];

const OUTPUT = join(import.meta.dirname, "../runtime/config");

const schemas = FILES.map(readSchema);
writeFileSync(join(OUTPUT, "types.gen.ts"), typesText(schemas));
writeFileSync(join(OUTPUT, "schemas.gen.ts"), tableText(schemas));
writeFileSync(join(OUTPUT, "explain.gen.ts"), explainText(schemas));
writeFileSync(join(OUTPUT, "validate.gen.ts"), validatorText(schemas));

function readSchema(name: string): JsonSchema {
  const text = readFileSync(join(import.meta.dirname, name), "utf8");
  const schema: JsonSchema = JSON.parse(text);
  return schema;
}
