// Turns arguments into flags and positionals by the table. Written out, because a parse by
// yargs-parser takes 1 to 1.5 ms in an interpreter, a tenth of a whole container, and reads
// `--all true ID` differently from runc; this takes 0.1 ms.

import type { Flag } from "./command.ts";

/** Arguments, split by the table. */
export interface ParsedFlags {
  /** Values by long name: text as it was given, switches as "true" or "false". */
  values: ReadonlyMap<string, string>;
  /** Every value of flags that may be given several times, by long name; absent without any. */
  lists?: ReadonlyMap<string, readonly string[]>;
  positionals: readonly string[];
  /** The first thing that is wrong, if anything is; the rest is parsed all the same. */
  problem?: string;
}

export interface ParseOptions {
  /** Whether everything from the first positional on is a positional. */
  stopAtPositional: boolean;
}

/**
 * Parses arguments as Go's flag package does, which callers of runc rely on: `--name value`,
 * `--name=value`, one dash or two, switches never take the next argument, the last one of several
 * wins, and `--` ends the flags.
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
  options: ParseOptions,
): ParsedFlags {
  const values = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const positionals: string[] = [];
  let problem: string | undefined;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") {
      positionals.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      if (options.stopAtPositional) {
        positionals.push(...args.slice(index));
        break;
      }
      positionals.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const written = equals < 0 ? arg : arg.slice(0, equals);
    const name = written.slice(written.startsWith("--") ? 2 : 1);
    const flag = flagNamed(name, flags);
    if (flag === undefined) {
      problem ??= `unknown flag ${written}`;
      continue;
    }
    let value: string | undefined;
    if (equals >= 0) value = arg.slice(equals + 1);
    else if (flag.kind === "switch") value = "true";
    else value = args[++index];
    const fault = value === undefined ? "needs a value" : valueFault(flag, value);
    if (value === undefined || fault !== undefined) problem ??= `${written} ${fault}`;
    else if (flag.kind !== "list") values.set(flag.name, value);
    else lists.set(flag.name, [...(lists.get(flag.name) ?? []), value]);
  }
  return {
    values,
    ...(lists.size > 0 && { lists }),
    positionals,
    ...(problem !== undefined && { problem }),
  };
}

// A loop: the engine compiles Array.prototype.find when it is first called, for 0.1 to 0.3 ms.
function flagNamed(name: string, flags: readonly Flag[]): Flag | undefined {
  for (const flag of flags) if (flag.name === name || flag.alias === name) return flag;
  return undefined;
}

function valueFault(flag: Flag, value: string): string | undefined {
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    return `is "${value}", but must be one of ${flag.choices.join(", ")}`;
  }
  if (flag.kind === "switch" && value !== "true" && value !== "false") {
    return `is "${value}", but must be true or false`;
  }
  if (flag.kind === "count" && !/^[0-9]{1,9}$/.test(value)) {
    return `is "${value}", but must be a whole number from 0 on`;
  }
  return undefined;
}
