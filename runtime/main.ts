// The program: global flags, log, command, exit code.

import { argumentsOf, takesMore } from "./cli/arguments.ts";
import type { Command, Surroundings } from "./cli/command.ts";
import { commandNamed } from "./cli/commands.ts";
import { GLOBAL_FLAGS, HELP_FLAG } from "./cli/flags.ts";
import { logOptions } from "./cli/log-options.ts";
import { type ParsedFlags, parseFlags } from "./cli/parse-flags.ts";
import { type StateRootMachine, stateRoot } from "./cli/state-root.ts";
import { UsageError } from "./cli/usage-error.ts";
import { RuntimeError } from "./errors.ts";
import { createLog, type Log } from "./log.ts";
import { print } from "./print.ts";

process.exit(main(process.argv.slice(2)));

function main(args: readonly string[]): number {
  const line = parseFlags(args, GLOBAL_FLAGS, { stopAtPositional: true });
  const options = logOptions(line.values);
  const log = createLog(options);
  const command = commandNamed(line.positionals[0] ?? "");
  try {
    return execute(line, command, log);
  } catch (error) {
    const {
      reportError,
    }: typeof import("./cli/report-error.ts") = require("./cli/report-error.ts");
    reportError(error, { log, options, failure: command?.failure });
    return command?.failureCode ?? 1;
  }
}

function execute(line: ParsedFlags, command: Command | undefined, log: Log): number {
  const { values, positionals, problem } = line;
  if (problem !== undefined) throw new UsageError(problem);
  if (values.get("version") === "true") return printVersion();
  if (values.get("get-yargs-completions") === "true") return printCompletions(positionals);
  if (values.get("help") === "true" || positionals.length === 0) return printHelp(command);
  if (command === undefined) throw unknownCommand(positionals[0] ?? "");
  const flags = [...command.flags, HELP_FLAG];
  const parsed = parseFlags(positionals.slice(1), flags, {
    stopAtPositional: takesMore(command),
  });
  if (parsed.values.get("help") === "true") return printHelp(command);
  const given = argumentsOf(command, parsed);
  return command.load()(given, surroundings(values, log));
}

/** Callers of runc know two commands more, and show the message to their users. */
function unknownCommand(name: string): RuntimeError {
  if (name !== "checkpoint" && name !== "restore") {
    return new UsageError(`unknown command "${name}"`);
  }
  return new RuntimeError(`${name} is not supported: runt cannot save and restore containers yet`);
}

function surroundings(values: ParsedFlags["values"], log: Log): Surroundings {
  const environment = process.env;
  const rootless = values.get("rootless") ?? "auto";
  return {
    // Looked for by those who use it: without a folder of its own a user can still `spec`.
    get root() {
      const euid = process.geteuid?.() ?? 0;
      return stateRoot({ given: values.get("root"), euid, environment, machine: machine() });
    },
    rootGiven: values.has("root"),
    ...(rootless === "auto" ? {} : { rootless: rootless === "true" }),
    systemdCgroup: values.get("systemd-cgroup") === "true",
    log,
    environment,
  };
}

/** Loaded when it is asked, because system calls cost some commands most of their time. */
function machine(): StateRootMachine {
  return {
    inUserNamespace: () => userPlaces().inUserNamespace(),
    ownsDirectory: (path) => userPlaces().ownsDirectory(path),
  };
}

function userPlaces(): typeof import("./host/user.ts") {
  return require("./host/user.ts");
}

function printVersion(): number {
  const { versionText }: typeof import("./cli/version.ts") = require("./cli/version.ts");
  print(versionText());
  return 0;
}

function printHelp(command: Command | undefined): number {
  const { helpText }: typeof import("./cli/help.ts") = require("./cli/help.ts");
  print(helpText(command));
  return 0;
}

function printCompletions(words: readonly string[]): number {
  const { completions }: typeof import("./cli/completion.ts") = require("./cli/completion.ts");
  for (const word of completions(words, process.env)) print(word);
  return 0;
}
