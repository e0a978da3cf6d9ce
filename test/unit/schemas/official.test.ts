// The schemas here against the official ones: the same verdict on every fixture and mutation, save
// for the listed exceptions, each of which is needed.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ErrorObject } from "ajv";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mayHoldNul, nulProblems } from "../../../runtime/config/nul-bytes.ts";
import { parseConfig } from "../../../runtime/config/parse.ts";
import { parseExactJson } from "../../../runtime/config/parse-json.ts";
import { configRules } from "../../../runtime/config/rules.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";
import {
  validateConfig,
  validateFeatures,
  validateState,
} from "../../../runtime/config/validate.gen.ts";
import type { SchemaError } from "../../../runtime/config/validate.ts";
import { ConfigError } from "../../../runtime/errors.ts";
import { EXCEPTIONS, type Exception } from "../../../schemas/exceptions.ts";
import { type Mutation, mutationsOf, pairsOf } from "./mutations.ts";
import { sampleConfig } from "./sample-config.ts";
import { sampleFeatures, sampleState } from "./sample-others.ts";

const OFFICIAL = join(import.meta.dirname, "../../../../shared/oci/1.3.0");
const KINDS = ["config", "features", "state"] as const;
type Kind = (typeof KINDS)[number];

/** One thing that is wrong with a document, in the form that exceptions name it. */
interface Finding {
  at: string;
  fault: string;
}

/** Exceptions that explained a difference, each with the faults that it was needed for. */
const used = new Map<Exception, Set<string>>();

if (!existsSync(OFFICIAL)) {
  console.log("SKIP the official schemas of runtime-spec 1.3.0 are not beside the project");
  test.skip("verdicts equal those of the official schemas", () => {});
} else {
  const official = officialValidators();

  for (const { kind, verdict, name, text } of fixtures()) {
    test(`${kind} fixture ${verdict}/${name} is ${verdict} here too`, () => {
      assert.is(isBroken(text) || findings(kind, text).length > 0, verdict === "bad");
    });
  }

  test("mutations get the verdict of the official schemas, save for the exceptions", () => {
    let count = 0;
    const differences = new Map<string, string>();
    for (const { kind, name, text } of mutations()) {
      count++;
      const theirs = official(kind, text);
      const ours = findings(kind, text);
      // Wording the problems takes most of the time: one in forty is also read as the program does.
      if (kind === "config" && count % 40 === 0) assert.is(isAccepted(text), ours.length === 0);
      for (const finding of unexplained(theirs, ours)) {
        differences.set(
          `${finding.fault} at ${finding.at.replace(/\d+/g, "*")}`,
          `${kind}: ${name}`,
        );
      }
    }
    assert.is([...differences].map(([what, where]) => `${what} by ${where}`).join("\n"), "");
    assert.ok(count >= 5000, `${count} mutations`);
  });

  test("every exception is needed", () => {
    const stale = EXCEPTIONS.flatMap((exception) =>
      exception.faults
        .filter((fault) => used.get(exception)?.has(fault) !== true)
        .map((fault) => `${fault} at ${exception.at}`),
    );
    assert.equal(stale, []);
  });
}

/** Findings that make the verdicts differ and that no exception explains. */
function unexplained(theirs: readonly Finding[], ours: readonly Finding[]): Finding[] {
  if (theirs.length > 0 === ours.length > 0) return [];
  const here = ours.length > 0 ? "refused" : "accepted";
  return [...theirs, ...ours].filter((finding) => {
    const exceptions = EXCEPTIONS.filter(
      (each) =>
        each.here === here && each.faults.includes(finding.fault) && matches(each.at, finding.at),
    );
    for (const exception of exceptions) {
      used.set(exception, (used.get(exception) ?? new Set()).add(finding.fault));
    }
    return exceptions.length === 0;
  });
}

function matches(pattern: string, pointer: string): boolean {
  if (pattern === "**") return true;
  const segments = pointer.split("/");
  const wanted = pattern.split("/");
  return (
    wanted.length === segments.length &&
    wanted.every((want, index) => want === "*" || want === segments[index])
  );
}

function findings(kind: Kind, text: string): Finding[] {
  // Reading exactly is slow, and makes a difference to large numbers alone.
  const value: unknown = /\d{16}|\de\+/.test(text)
    ? parseExactJson(text, "mutation")
    : JSON.parse(text);
  if (kind === "features") return validateFeatures(value) ? [] : found(validateFeatures.errors);
  if (kind === "state") return validateState(value) ? [] : found(validateState.errors);
  const fits = validateConfig(value);
  const ours = [
    ...(fits
      ? configRules(value).map(({ pointer, rule }) => ({ at: pointer, fault: rule }))
      : found(validateConfig.errors)),
    ...(mayHoldNul(text) ? nulProblems(value, "Config") : []).map(({ pointer, rule }) => ({
      at: pointer,
      fault: rule,
    })),
  ];
  return ours;
}

function isAccepted(text: string): boolean {
  try {
    parseConfig(text, "mutation");
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

function found(errors: readonly (SchemaError | ErrorObject)[] | null | undefined): Finding[] {
  return (errors ?? [])
    .filter((error) => error.propertyName === undefined)
    .map(({ instancePath, keyword, params }) => ({
      at: keyword === "required" ? `${instancePath}/${params["missingProperty"]}` : instancePath,
      fault: keyword,
    }));
}

/** The official schemas are draft-04; what they use of it is the same in ajv's draft. */
function officialValidators(): (kind: Kind, text: string) => Finding[] {
  const ajv = new Ajv({ allErrors: true, strict: false, logger: false });
  for (const name of readdirSync(OFFICIAL).filter((file) => file.endsWith(".json"))) {
    const { $schema: _, ...schema } = JSON.parse(readFileSync(join(OFFICIAL, name), "utf8"));
    ajv.addSchema(schema, name);
  }
  return (kind, text) => {
    const validate = ajv.getSchema(`${kind}-schema.json`);
    assert.ok(validate);
    return validate(JSON.parse(text)) ? [] : found(validate.errors);
  };
}

interface Fixture {
  kind: Kind;
  verdict: string;
  name: string;
  text: string;
}

function fixtures(): Fixture[] {
  return KINDS.flatMap((kind) =>
    ["good", "bad"].flatMap((verdict) => {
      const folder = join(OFFICIAL, "fixtures", kind, verdict);
      return readdirSync(folder).map((name) => ({
        kind,
        verdict,
        name,
        text: readFileSync(join(folder, name), "utf8"),
      }));
    }),
  );
}

function* mutations(): Generator<Mutation & { kind: Kind }> {
  const samples: { kind: Kind; document: unknown }[] = [
    ...partsOf(sampleConfig).map((document) => ({ kind: "config" as const, document })),
    { kind: "features", document: sampleFeatures },
    { kind: "state", document: sampleState },
  ];
  for (const { kind, document } of samples) {
    for (const mutation of mutationsOf(document)) yield { kind, ...mutation };
  }
  for (const document of variants()) {
    yield { kind: "config", name: "variant", text: JSON.stringify(document) };
  }
  for (const { kind, text } of fixtures()) {
    if (isBroken(text)) continue;
    for (const mutation of pairsOf(JSON.parse(text), 300)) yield { kind, ...mutation };
  }
  for (const mutation of pairsOf(sampleConfig, 1000)) yield { kind: "config", ...mutation };
}

/** The sample in three parts, each a whole configuration: a third of the text is read sooner. */
function partsOf(config: Config): Config[] {
  const { ociVersion, root, process, hooks, annotations, hostname, domainname, mounts, linux } =
    config;
  const { solaris, windows, vm, zos, freebsd } = config;
  const parts = [
    { process, hooks, annotations },
    { hostname, domainname, mounts, linux },
    { solaris, windows, vm, zos, freebsd },
  ];
  return parts.map((part) => JSON.parse(JSON.stringify({ ociVersion, root, ...part })));
}

/** Configurations with two fields that do not go together, which one change seldom makes. */
function variants(): unknown[] {
  const { process, linux } = sampleConfig;
  const scheduler = { policy: "SCHED_OTHER", nice: 20 };
  return [
    { ...sampleConfig, process: { ...process, scheduler } },
    { ...sampleConfig, process: { ...process, scheduler: { ...scheduler, nice: 0, period: 1 } } },
    ...[
      { netDevices: { "a/b": {} } },
      { memoryPolicy: { mode: "MPOL_LOCAL", nodes: "0" } },
      {
        memoryPolicy: {
          mode: "MPOL_BIND",
          nodes: "0",
          flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"],
        },
      },
      { seccomp: { defaultAction: "SCMP_ACT_NOTIFY" } },
    ].map((changes) => ({ ...sampleConfig, linux: { ...linux, ...changes } })),
  ];
}

function isBroken(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}

test.run();
