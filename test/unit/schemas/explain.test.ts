// What `runt explain` says of each field, held against the plans that are really made: a field that
// is taken away or changed has to change the steps that it is said to make, and no field is missing.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { explanationTable } from "../../../runtime/config/explain.gen.ts";
import { type Field, fieldNamed } from "../../../runtime/config/field.ts";
import { configRules } from "../../../runtime/config/rules.ts";
import { schemaTable } from "../../../runtime/config/schemas.gen.ts";
import { validateConfig } from "../../../runtime/config/validate.gen.ts";
import { escapeKey } from "../../../runtime/config/walk.ts";
import { ConfigError } from "../../../runtime/errors.ts";
import { statusOf } from "../../../runtime/lifecycle/explain.ts";
import { createPlan } from "../../../runtime/plan/create.ts";
import type { Plan } from "../../../runtime/plan/step.ts";
import { demo } from "../../support/container-facts.ts";
import { changesOf } from "./changes.ts";
import { type Sample, samples } from "./plannable.ts";

const fieldsByPath = new Map<string, Field>();

test("every field has its explanation, but for those of other platforms", () => {
  const platforms: unknown = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../../schemas/platforms.json"), "utf8"),
  );
  const elsewhere = Object.keys(Object(Object(platforms)["$defs"]));
  const reached = typesBelow("Config", new Set());
  const missing = [...reached]
    .filter((type) => !elsewhere.includes(type))
    .flatMap((type) =>
      Object.keys(schemaTable()[type]?.properties ?? {})
        .filter((key) => explanationTable()[type]?.[key] === undefined)
        .map((key) => `${type}.${key}`),
    );
  assert.equal(missing, []);
});

test("every field that makes steps is in the sample, and changes these steps", () => {
  const made = opsByField();
  const wrong = fieldsBelow("").flatMap(({ pointer, explanation }) => {
    if (statusOf(pointer) !== "acted on") return [];
    const found = made.get(pointer);
    if (found === undefined) return [`${pointer} is not in the sample`];
    if (
      explanation.steps.length === 0 &&
      found.size > 0 &&
      fieldNamed(pointer).fields.length === 0
    ) {
      return [`${pointer} is said to make no steps, and changes ${[...found].join(", ")}`];
    }
    return explanation.steps
      .filter((name) => !found.has(name))
      .map((name) => `${pointer} does not change ${name}, but ${[...found].join(", ")}`);
  });
  assert.is(wrong.join("\n"), "");
});

test.run();

/** Names of ops that come, go or change with each field, by pointer with * for entries. */
function opsByField(): Map<string, Set<string>> {
  const made = new Map<string, Set<string>>();
  for (const sample of samples) addOps(sample, made);
  for (const [pointer, names] of made) {
    for (const [other, inner] of made) {
      if (other.startsWith(`${pointer}/`)) for (const name of inner) names.add(name);
    }
  }
  return made;
}

function addOps(sample: Sample, made: Map<string, Set<string>>): void {
  const plan = planOf(sample);
  const whole = linesOf(plan);
  const tried = new Set<string>();
  for (const { keys, config } of changesOf(sample.config)) {
    const { pointer, explanation } = fieldAt(keys);
    const names = made.get(pointer) ?? new Set<string>();
    made.set(pointer, names);
    // One change that shows all of them is enough.
    if (tried.has(pointer) && explanation.steps.every((name) => names.has(name))) continue;
    if (!validateConfig(config) || configRules(config).length > 0) continue;
    const changed = planOrNone({ config, host: sample.host });
    if (changed === undefined) continue;
    tried.add(pointer);
    for (const line of difference(whole, linesOf(changed))) names.add(line.split(" ")[0] ?? "");
  }
  for (const [pointer, names] of made) {
    for (const { op, because } of plan) if (isAt(because, pointer)) names.add(op.name);
  }
}

/** The field at a place, which is looked up once: every look-up reads the tables anew. */
function fieldAt(keys: readonly string[]): Field {
  const path = `/${keys.map((key) => (/^\d+$/.test(key) ? "0" : escapeKey(key))).join("/")}`;
  const field = fieldsByPath.get(path) ?? fieldNamed(path);
  fieldsByPath.set(path, field);
  return field;
}

/** Whether a place is a field or in it, places in lists aside. */
function isAt(pointer: string, field: string): boolean {
  const [place, parent] = [pointer, field].map((each) => each.replace(/\/(\d+|\*)(?=\/|$)/g, ""));
  return place === parent || place?.startsWith(`${parent}/`) === true;
}

function planOf({ config, host }: Sample): Plan {
  return createPlan(config, host, { ...demo, rootfs: `/bundles/demo/${config.root.path}` });
}

/** Undefined for what cannot be done. */
function planOrNone(sample: Sample): Plan | undefined {
  try {
    return planOf(sample);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return undefined;
  }
}

function linesOf(plan: Plan): string[] {
  return plan.map(({ op }) => `${op.name} ${JSON.stringify(op.args)}`);
}

/** Lines that only one of the two has. */
function difference(a: readonly string[], b: readonly string[]): string[] {
  const missing = (list: readonly string[], other: readonly string[]): string[] => {
    const left = [...other];
    return list.filter((line) => {
      const at = left.indexOf(line);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  return [...missing(a, b), ...missing(b, a)];
}

function fieldsBelow(name: string): Field[] {
  return fieldNamed(name).fields.flatMap((field) => [field, ...fieldsBelow(field.name)]);
}

function typesBelow(type: string, seen: Set<string>): Set<string> {
  if (seen.has(type)) return seen;
  seen.add(type);
  const refs = JSON.stringify(schemaTable()[type]).matchAll(/"ref":"(\w+)"/g);
  for (const [, ref = ""] of refs) typesBelow(ref, seen);
  return seen;
}
