// runt help, --help, and the usage below a wrong command line.

import { print } from "../print.ts";
import type { Arguments, Command } from "./command.ts";
import { commandNamed } from "./commands.ts";
import { UsageError } from "./usage-error.ts";
import { yargsFor } from "./yargs-for.ts";

/** Prints the help of the program or of one command. */
export function helpCommand({ positionals }: Arguments): number {
  const [name] = positionals;
  const command = name === undefined ? undefined : commandNamed(name);
  if (name !== undefined && command === undefined) {
    throw new UsageError(`unknown command "${name}"`);
  }
  print(helpText(command));
  return 0;
}

/** The help of a command, or of the program. */
export function helpText(command: Command | undefined): string {
  let text = "";
  yargsFor(command).showHelp((help) => {
    text = help;
  });
  return text;
}
