// Checks the arguments of one command against its entry in the table.

import type { Arguments, Command, Positional } from "./command.ts";
import type { ParsedFlags } from "./parse-flags.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The arguments of a command, by name.
 * @throws UsageError with what is wrong first.
 */
export function argumentsOf(command: Command, parsed: ParsedFlags): Arguments {
  const { values, lists, positionals, problem } = parsed;
  if (problem !== undefined) throw new UsageError(`${command.name}: ${problem}`, command);
  let required = 0;
  for (const positional of command.positionals) if (positional.optional !== true) required++;
  const most = takesMore(command) ? Number.POSITIVE_INFINITY : command.positionals.length;
  if (positionals.length < required || positionals.length > most) {
    const wanted = command.positionals.map(positionalText).join(" ");
    const got = positionals.length === 0 ? "nothing" : positionals.map(quoted).join(" ");
    const wants = wanted === "" ? "no arguments" : wanted;
    throw new UsageError(`${command.name}: requires ${wants}, but got ${got}`, command);
  }
  return {
    positionals,
    text: (flag) => values.get(flag) || undefined,
    list: (flag) => lists?.get(flag) ?? [],
    on: (flag) => values.get(flag) === "true",
    count: (flag) => Number(values.get(flag) ?? 0),
  };
}

/** Whether a command passes on whatever follows its own arguments. */
export function takesMore({ positionals }: Command): boolean {
  return positionals.at(-1)?.repeated === true;
}

/** A positional as usage texts write it: `<ID>`, `[SIGNAL]` when it may be left out, `[ARGUMENT..]`. */
export function positionalText({ name, optional, repeated }: Positional): string {
  const text = repeated === true ? `${name}..` : name;
  return optional === true ? `[${text}]` : `<${text}>`;
}

function quoted(text: string): string {
  return `"${text}"`;
}
