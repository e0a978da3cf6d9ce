// The command table as yargs wants it, for the texts that yargs writes: help and completion.

import type { Argv, Options } from "yargs";
import { YargsFactory } from "../../node_modules/yargs/build/lib/yargs-factory.js";
import { positionalText } from "./arguments.ts";
import type { Command, Flag } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL_FLAGS, HELP_FLAG } from "./flags.ts";
import { yargsPlatform } from "./yargs-platform.ts";

const COLUMNS = 96;

type Environment = Readonly<Record<string, string | undefined>>;

/** A yargs that knows one command's flags, or the commands and global flags without one. */
export function yargsFor(command: Command | undefined, environment: Environment = {}): Argv {
  const yargs = YargsFactory(yargsPlatform(environment))([], "/")
    .scriptName("runt")
    .wrap(COLUMNS)
    .version(false)
    .help(false)
    .exitProcess(false)
    .parserConfiguration({ "boolean-negation": false, "camel-case-expansion": false });
  if (command !== undefined) {
    const words = ["$0", command.name, "[flags]", ...command.positionals.map(positionalText)];
    return yargs
      .usage(`Usage: ${words.join(" ")}\n\n${command.summary}`)
      .options(optionsFrom([...command.flags, HELP_FLAG]));
  }
  for (const { name, summary, positionals } of COMMANDS) {
    yargs.command([name, ...positionals.map(positionalText)].join(" "), summary);
  }
  return yargs
    .usage("Usage: $0 [global flags] COMMAND [flags] [arguments]\n\nAn OCI container runtime")
    .options(optionsFrom(GLOBAL_FLAGS))
    .epilogue("$0 help COMMAND shows the flags of a command.");
}

function optionsFrom(flags: readonly Flag[]): Record<string, Options> {
  const types = { switch: "boolean", text: "string", list: "string", count: "number" } as const;
  return Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      {
        type: types[flag.kind],
        describe: flag.help,
        ...(flag.alias === undefined ? {} : { alias: flag.alias }),
        ...(flag.choices === undefined ? {} : { choices: flag.choices }),
        ...(flag.defaultText === undefined ? {} : { defaultDescription: flag.defaultText }),
        ...(flag.hidden === undefined ? {} : { hidden: flag.hidden }),
      },
    ]),
  );
}
