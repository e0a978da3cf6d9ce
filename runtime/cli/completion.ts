// runt completion, and what the shells ask at every tab: `runt --get-yargs-completions WORDS`.

import { RuntimeError } from "../errors.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { commandNamed } from "./commands.ts";
import { GLOBAL_FLAGS } from "./flags.ts";
import { parseFlags } from "./parse-flags.ts";
import { yargsFor } from "./yargs-for.ts";

const SHELLS = ["bash", "zsh"];

/** Prints the script that the shell sources. */
export function completionCommand(given: Arguments, { environment }: Surroundings): number {
  const shell = given.positionals[0] ?? environment["SHELL"]?.split("/").pop() ?? "bash";
  if (!SHELLS.includes(shell)) {
    throw new RuntimeError(`no completion for "${shell}", only for ${SHELLS.join(" and ")}`);
  }
  // yargs prints the script itself, and chooses it by $SHELL.
  yargsFor(undefined, { SHELL: shell }).completion("completion", false).showCompletionScript();
  return 0;
}

/**
 * The words that may stand where the last of these stands; none where the shell knows better
 * (names of files).
 * @param words the command line up to the cursor, program name first
 */
export function completions(
  words: readonly string[],
  environment: Surroundings["environment"],
): readonly string[] {
  const line = words.slice(1);
  const globals = parseFlags(line.slice(0, -1), GLOBAL_FLAGS, { stopAtPositional: true });
  const command = commandNamed(globals.positionals[0] ?? "");
  const previous = line.at(-2)?.replace(/^--?/, "") ?? "";
  const flags = command?.flags ?? GLOBAL_FLAGS;
  const flag = flags.find(({ name, alias }) => name === previous || alias === previous);
  if (flag !== undefined && flag.kind !== "switch" && flag.choices === undefined) return [];
  let found: readonly string[] = [];
  const known = command === undefined ? line : line.slice(line.indexOf(command.name) + 1);
  yargsFor(command, environment).getCompletion(known, (_error, candidates) => {
    // yargs offers short names with two dashes as well.
    found = candidates.filter((candidate) => !/^--[^-](:|$)/.test(candidate));
  });
  return found;
}
