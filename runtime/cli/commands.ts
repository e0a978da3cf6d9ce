// The commands of the program, as data: parsing, help, usage errors and completion all read this one
// table. Each command's own file is loaded when the command runs.

import type { Command } from "./command.ts";
import { BUNDLE, CREATE_FLAGS, EXEC_FLAGS, ID, STRICT, UPDATE_FLAGS } from "./flags.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    name: "create",
    summary: "Create a container, ready to be started",
    positionals: [ID],
    flags: CREATE_FLAGS,
    failure: "runt create failed",
    load() {
      const file: typeof import("./create.ts") = require("./create.ts");
      return file.createCommand;
    },
  },
  {
    name: "start",
    summary: "Start the process of a created container",
    positionals: [ID],
    flags: [],
    load() {
      const file: typeof import("./start.ts") = require("./start.ts");
      return file.startCommand;
    },
  },
  {
    name: "run",
    summary: "Create and start a container, wait for its end and delete it",
    positionals: [ID],
    flags: [
      ...CREATE_FLAGS,
      {
        name: "detach",
        alias: "d",
        kind: "switch",
        help: "Return once the container runs, and do not delete it",
      },
      { name: "keep", kind: "switch", help: "Do not delete the container when it ends" },
      {
        name: "no-subreaper",
        kind: "switch",
        help: "Do not adopt orphaned processes of the container",
      },
    ],
    failure: "runt run failed",
    load() {
      const file: typeof import("./run.ts") = require("./run.ts");
      return file.runCommand;
    },
  },
  {
    name: "exec",
    summary: "Execute another process in a container",
    positionals: [ID, { name: "COMMAND", optional: true, repeated: true }],
    flags: EXEC_FLAGS,
    failure: "runt exec failed",
    failureCode: 255,
    load() {
      const file: typeof import("./exec.ts") = require("./exec.ts");
      return file.execCommand;
    },
  },
  {
    name: "state",
    summary: "Show the state of a container as JSON",
    positionals: [ID],
    flags: [],
    load() {
      const file: typeof import("./state.ts") = require("./state.ts");
      return file.stateCommand;
    },
  },
  {
    name: "kill",
    summary: "Send a signal (name or number, SIGTERM by default) to a container's init",
    positionals: [ID, { name: "SIGNAL", optional: true }],
    flags: [
      {
        name: "all",
        alias: "a",
        kind: "switch",
        help: "Send it to all processes of the container",
      },
    ],
    load() {
      const file: typeof import("./kill.ts") = require("./kill.ts");
      return file.killCommand;
    },
  },
  {
    name: "delete",
    summary: "Delete a stopped container and all that it holds",
    positionals: [ID],
    flags: [
      {
        name: "force",
        alias: "f",
        kind: "switch",
        help: "Kill the container first; no error if it does not exist",
      },
    ],
    load() {
      const file: typeof import("./delete.ts") = require("./delete.ts");
      return file.deleteCommand;
    },
  },
  {
    name: "pause",
    summary: "Freeze all processes of a container",
    positionals: [ID],
    flags: [],
    load() {
      const file: typeof import("./pause.ts") = require("./pause.ts");
      return file.pauseCommand;
    },
  },
  {
    name: "resume",
    summary: "Let the processes of a paused container go on",
    positionals: [ID],
    flags: [],
    load() {
      const file: typeof import("./resume.ts") = require("./resume.ts");
      return file.resumeCommand;
    },
  },
  {
    name: "update",
    summary: "Change the resource limits of a container",
    positionals: [ID],
    flags: UPDATE_FLAGS,
    load() {
      const file: typeof import("./update.ts") = require("./update.ts");
      return file.updateCommand;
    },
  },
  {
    name: "ps",
    summary: "Show the processes of a container, or what the host's ps says of them",
    positionals: [ID, { name: "ARGUMENT", optional: true, repeated: true }],
    flags: [
      {
        name: "format",
        alias: "f",
        kind: "text",
        help: "A table, or process ids as a JSON array",
        choices: ["table", "json"],
        defaultText: "table",
      },
    ],
    load() {
      const file: typeof import("./ps.ts") = require("./ps.ts");
      return file.psCommand;
    },
  },
  {
    name: "events",
    summary: "Print what a container uses, and word of the OOM killer, as lines of JSON",
    positionals: [ID],
    flags: [
      { name: "stats", kind: "switch", help: "Print what it uses once" },
      {
        name: "interval",
        kind: "text",
        help: "How often to print what it uses",
        defaultText: "5s",
      },
    ],
    load() {
      const file: typeof import("./events.ts") = require("./events.ts");
      return file.eventsCommand;
    },
  },
  {
    name: "stats",
    summary: "Show what containers use, how they are throttled, and what they wait for",
    positionals: [{ name: "ID", optional: true }],
    flags: [{ name: "json", kind: "switch", help: "Print all of it as JSON" }],
    load() {
      const file: typeof import("./stats.ts") = require("./stats.ts");
      return file.statsCommand;
    },
  },
  {
    name: "list",
    summary: "List the containers under --root",
    positionals: [],
    flags: [
      {
        name: "format",
        alias: "f",
        kind: "text",
        help: "Format of the list",
        choices: ["table", "json"],
        defaultText: "table",
      },
      { name: "quiet", alias: "q", kind: "switch", help: "Show only ids" },
    ],
    load() {
      const file: typeof import("./list.ts") = require("./list.ts");
      return file.listCommand;
    },
  },
  {
    name: "spec",
    summary: "Write a config.json to begin with",
    positionals: [],
    flags: [
      BUNDLE,
      {
        name: "rootless",
        kind: "switch",
        help: "For a container of the calling user, without privileges",
      },
    ],
    load() {
      const file: typeof import("./spec.ts") = require("./spec.ts");
      return file.specCommand;
    },
  },
  {
    name: "features",
    summary: "Show what is supported as JSON",
    positionals: [],
    flags: [],
    load() {
      const file: typeof import("./features.ts") = require("./features.ts");
      return file.featuresCommand;
    },
  },
  {
    name: "plan",
    summary: "Show what create would do, step by step, without doing it",
    positionals: [{ name: "ID", optional: true }],
    flags: [BUNDLE, { name: "json", kind: "switch", help: "Print the plan as JSON" }, STRICT],
    load() {
      const file: typeof import("./plan.ts") = require("./plan.ts");
      return file.planCommand;
    },
  },
  {
    name: "explain",
    summary: "Show what a field of config.json means and what is done with it",
    positionals: [{ name: "FIELD", optional: true }],
    flags: [{ name: "json", kind: "switch", help: "Print it as JSON" }],
    load() {
      const file: typeof import("./explain.ts") = require("./explain.ts");
      return file.explainCommand;
    },
  },
  {
    name: "doctor",
    summary: "Show what this machine offers containers, and what to change",
    positionals: [],
    flags: [{ name: "json", kind: "switch", help: "Print it as JSON" }],
    load() {
      const file: typeof import("./doctor.ts") = require("./doctor.ts");
      return file.doctorCommand;
    },
  },
  {
    name: "completion",
    summary: "Print a script that completes command lines (bash or zsh, $SHELL by default)",
    positionals: [{ name: "SHELL", optional: true }],
    flags: [],
    load() {
      const file: typeof import("./completion.ts") = require("./completion.ts");
      return file.completionCommand;
    },
  },
  {
    name: "help",
    summary: "Show help, for one command if named",
    positionals: [{ name: "COMMAND", optional: true }],
    flags: [],
    load() {
      const file: typeof import("./help.ts") = require("./help.ts");
      return file.helpCommand;
    },
  },
];

/** The command of a name, if there is one. */
export function commandNamed(name: string): Command | undefined {
  for (const command of COMMANDS) if (command.name === name) return command;
  return undefined;
}
