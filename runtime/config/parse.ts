// Text of config.json and of its parts into checked values, or into all of their problems at once.

import { ConfigError, type Problem } from "../errors.ts";
import { nearMisses } from "./near-misses.ts";
import { mayHoldNul, nulProblems } from "./nul-bytes.ts";
import { parseExactJson, parseJson } from "./parse-json.ts";
import { problemsFrom } from "./problems.ts";
import { processRules } from "./process-rules.ts";
import { resourcesRules } from "./resources-rules.ts";
import { configRules, rulesOfParts } from "./rules.ts";
import type { Config, Process, Resources } from "./types.gen.ts";
import { validateConfig, validateProcess, validateResources } from "./validate.gen.ts";
import type { Validate } from "./validate.ts";

/** How strictly a text is read. */
export interface ParseOptions {
  /** Also report unknown property names that resemble known ones. Default: false. */
  strict?: boolean;
  /** If strict: values that look misspelt, which takes knowledge of what is done with them. */
  misspelt?: (value: unknown) => Problem[];
}

/**
 * Parses the text of a config.json.
 *
 * @param file what messages call the text, usually its path
 * @throws ConfigError with every problem: broken JSON, values that the schema or the rules between
 *   fields forbid and, if strict, suspicious property names
 */
export function parseConfig(text: string, file: string, options: ParseOptions = {}): Config {
  return parse(text, file, {
    type: "Config",
    validate: validateConfig,
    rules: configRules,
    partRules: rulesOfParts,
    ...options,
  });
}

/** Parses the text of a process alone, as exec reads it. Parameters and errors as parseConfig. */
export function parseProcess(text: string, file: string, options: ParseOptions = {}): Process {
  return parse(text, file, {
    type: "Process",
    validate: validateProcess,
    rules: (value) => processRules(value, ""),
    ...options,
  });
}

/** Parses the text of cgroup resources, as update reads it. Parameters and errors as parseConfig. */
export function parseResources(text: string, file: string, options: ParseOptions = {}): Resources {
  return parse(text, file, {
    type: "Resources",
    validate: validateResources,
    rules: (value) => resourcesRules(value, ""),
    ...options,
  });
}

interface Parser<T> extends ParseOptions {
  /** Name of the type in the schema table. */
  type: string;
  validate: Validate<T>;
  /** Problems between fields of a value that fits the schema. */
  rules: (value: T) => Problem[];
  /** Problems between fields of those parts of a value that fit their schema. */
  partRules?: (value: unknown) => Problem[];
}

function parse<T>(text: string, file: string, parser: Parser<T>): T {
  const value = parseJson(text, file);
  if (parser.validate(value)) return checked(value, { text, file, parser });
  // A 64-bit integer beyond 2^53 does not fit as a number; it is read again, exactly.
  const exact = parseExactJson(text, file);
  if (parser.validate(exact)) return checked(exact, { text, file, parser });
  const problems = problemsFrom(parser.validate.errors ?? [], exact, parser.type);
  problems.push(...(parser.partRules?.(exact) ?? []), ...textProblems(exact, { text, parser }));
  throw new ConfigError(file, problems);
}

function checked<T>(value: T, context: { text: string; file: string; parser: Parser<T> }): T {
  const problems = context.parser.rules(value);
  problems.push(...textProblems(value, context));
  if (problems.length > 0) throw new ConfigError(context.file, problems);
  return value;
}

/** Problems of names and strings, which any value can have, whether it fits its schema or not. */
function textProblems<T>(value: unknown, context: { text: string; parser: Parser<T> }): Problem[] {
  const { type, strict, misspelt } = context.parser;
  const near = strict === true ? [...nearMisses(value, type), ...(misspelt?.(value) ?? [])] : [];
  return [...(mayHoldNul(context.text) ? nulProblems(value, type) : []), ...near];
}
