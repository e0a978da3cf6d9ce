// The commands and flags of the program, as data: parsing, help, usage errors and completion all
// read this one table. Each command's own file is loaded when the command runs.

import type { Log } from "../log.ts";

/**
 * A flag. `switch` takes no value, `text` takes any, `list` too and may be given several times,
 * `count` takes a whole number from 0 on.
 */
export interface Flag {
  /** Long name, without dashes. */
  name: string;
  /** One-letter name. */
  alias?: string;
  kind: "switch" | "text" | "list" | "count";
  help: string;
  /** The only values that are accepted. */
  choices?: readonly string[];
  /** What the help says about the value when the flag is absent. */
  defaultText?: string;
  hidden?: boolean;
}

/** An argument that is not a flag. Optional ones come last. */
export interface Positional {
  name: string;
  optional?: boolean;
  /** Takes all that follow, which may look like flags; so flags stand before the first positional. */
  repeated?: boolean;
}

/** The arguments of one command, checked against the table. */
export interface Arguments {
  positionals: readonly string[];
  /** A flag's value; undefined when it is absent or empty. */
  text(flag: string): string | undefined;
  /** All values of a flag that may be given several times. */
  list(flag: string): readonly string[];
  /** Whether a switch is on. */
  on(flag: string): boolean;
  /** A count; 0 when it is absent. */
  count(flag: string): number;
}

/** What every command gets besides its own arguments. */
export interface Surroundings {
  /** Absolute path of the folder that holds the containers' state. */
  readonly root: string;
  /** Whether --root was given. */
  rootGiven: boolean;
  /** What --rootless says; absent for auto. */
  rootless?: boolean;
  /** Whether --systemd-cgroup was given. */
  systemdCgroup: boolean;
  log: Log;
  /** The caller's environment. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** Runs a command and gives the program's exit code. Throws on failure. */
export type CommandFunction = (given: Arguments, surroundings: Surroundings) => number;

/** One command. */
export interface Command {
  name: string;
  summary: string;
  positionals: readonly Positional[];
  flags: readonly Flag[];
  /** What comes before the message of an error. */
  failure?: string;
  /** Exit code of an error; absent: 1. */
  failureCode?: number;
  load(): CommandFunction;
}

export const HELP_FLAG: Flag = { name: "help", alias: "h", kind: "switch", help: "Show help" };

/** Flags that stand before the command. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "root",
    kind: "text",
    help: "Folder for the state of containers, best on a tmpfs",
    defaultText:
      "/run/runt, or $XDG_RUNTIME_DIR/runt or /run/user/UID/runt for other users than root",
  },
  { name: "log", kind: "text", help: "Append log lines to this file", defaultText: "stderr" },
  {
    name: "log-format",
    kind: "text",
    help: "Format of log lines",
    choices: ["text", "json"],
    defaultText: "text",
  },
  {
    name: "log-level",
    kind: "text",
    help: "Least severe lines to log",
    choices: ["debug", "warning", "error"],
    defaultText: "warning",
  },
  { name: "debug", kind: "switch", help: "Same as --log-level debug" },
  {
    name: "rootless",
    kind: "text",
    help: "Whether to do without cgroups that cannot be made and were not asked for; auto: unless root",
    choices: ["auto", "true", "false"],
    defaultText: "auto",
  },
  {
    name: "systemd-cgroup",
    kind: "switch",
    help: "Let systemd make the cgroup, as the unit that cgroupsPath (slice:prefix:name) names",
  },
  { name: "version", alias: "v", kind: "switch", help: "Show version" },
  HELP_FLAG,
  { name: "get-yargs-completions", kind: "switch", help: "Complete a command line", hidden: true },
];

const ID: Positional = { name: "ID" };

const BUNDLE: Flag = {
  name: "bundle",
  alias: "b",
  kind: "text",
  help: "Folder with config.json",
  defaultText: "the current folder",
};

const STRICT: Flag = {
  name: "strict",
  kind: "switch",
  help: "Refuse fields and values of config.json that look misspelt",
};

const CREATE_FLAGS: readonly Flag[] = [
  BUNDLE,
  {
    name: "console-socket",
    kind: "text",
    help: "Unix socket that receives the master of the terminal",
  },
  {
    name: "pidfd-socket",
    kind: "text",
    help: "Unix socket that receives a pidfd of the container's init",
  },
  { name: "pid-file", kind: "text", help: "File to write the process id of init to" },
  {
    name: "no-pivot",
    kind: "switch",
    help: "Do not use pivot_root, for root file systems on a ramdisk",
  },
  { name: "no-new-keyring", kind: "switch", help: "Keep the caller's session keyring" },
  {
    name: "preserve-fds",
    kind: "count",
    help: "Descriptors to pass on besides stdin, stdout, stderr and LISTEN_FDS",
    defaultText: "0",
  },
  STRICT,
];

const EXEC_FLAGS: readonly Flag[] = [
  {
    name: "process",
    alias: "p",
    kind: "text",
    help: "File of the process as JSON, as in config.json; with it there is no COMMAND",
  },
  { name: "tty", alias: "t", kind: "switch", help: "Give the process a terminal" },
  {
    name: "detach",
    alias: "d",
    kind: "switch",
    help: "Return once the process runs, and leave it alone",
  },
  { name: "cwd", kind: "text", help: "Working directory in the container" },
  { name: "env", alias: "e", kind: "list", help: "NAME=value for its environment; repeatable" },
  { name: "user", alias: "u", kind: "text", help: "Numbers of user and group, UID[:GID]" },
  {
    name: "additional-gids",
    alias: "g",
    kind: "list",
    help: "Number of one more group; repeatable",
  },
  {
    name: "cap",
    alias: "c",
    kind: "list",
    help: "One more capability, such as CAP_NET_RAW; repeatable",
  },
  { name: "no-new-privs", kind: "switch", help: "It can gain no privileges by executing files" },
  { name: "apparmor", kind: "text", help: "AppArmor profile of the process" },
  { name: "process-label", kind: "text", help: "SELinux label of the process" },
  {
    name: "console-socket",
    kind: "text",
    help: "Unix socket that receives the master of the terminal",
  },
  { name: "pidfd-socket", kind: "text", help: "Unix socket that receives a pidfd of the process" },
  { name: "pid-file", kind: "text", help: "File to write the process id to" },
  {
    name: "preserve-fds",
    kind: "count",
    help: "Descriptors to pass on besides stdin, stdout and stderr",
    defaultText: "0",
  },
  {
    name: "cgroup",
    kind: "list",
    help: "Where below the container's cgroup: PATH, or CONTROLLER[,CONTROLLER]:PATH with cgroup v1; repeatable",
  },
  { name: "timeout", kind: "text", help: "Kill the process after this time, such as 1m30s" },
  { name: "ignore-paused", kind: "switch", help: "Wait in a paused container until it is resumed" },
];

const UPDATE_FLAGS: readonly Flag[] = [
  {
    name: "resources",
    alias: "r",
    kind: "text",
    help: "File of resources as JSON, or - for standard input; other limits are ignored then",
  },
  { name: "blkio-weight", kind: "text", help: "Weight of block I/O, 10 to 1000" },
  { name: "cpu-period", kind: "text", help: "Length of the CPU period, in microseconds" },
  {
    name: "cpu-quota",
    kind: "text",
    help: "CPU time in each period, in microseconds; -1 for no limit",
  },
  {
    name: "cpu-burst",
    kind: "text",
    help: "CPU time that can be saved up beyond the quota, in microseconds",
  },
  { name: "cpu-share", kind: "text", help: "Relative share of CPU time, 1024 the usual" },
  {
    name: "cpu-rt-period",
    kind: "text",
    help: "Length of the real-time period, in microseconds; only cgroup v1",
  },
  {
    name: "cpu-rt-runtime",
    kind: "text",
    help: "Real-time CPU time in each of them, in microseconds; only cgroup v1",
  },
  { name: "cpuset-cpus", kind: "text", help: "CPUs to run on, such as 0-2,4" },
  { name: "cpuset-mems", kind: "text", help: "Memory nodes to use, such as 0-1" },
  {
    name: "cpu-idle",
    kind: "text",
    help: "1 for CPU time that nobody else wants, 0 for an ordinary share",
  },
  {
    name: "memory",
    kind: "text",
    help: "Limit on memory, in bytes or with a unit (b, k, m, g); -1 for no limit",
  },
  { name: "memory-reservation", kind: "text", help: "Soft limit on memory" },
  { name: "memory-swap", kind: "text", help: "Limit on memory and swap together; -1 for no limit" },
  { name: "pids-limit", kind: "text", help: "Limit on the number of tasks; -1 for no limit" },
  { name: "l3-cache-schema", kind: "text", help: "Shares of the L3 cache, as resctrl takes them" },
  {
    name: "mem-bw-schema",
    kind: "text",
    help: "Shares of the memory bandwidth, as resctrl takes them",
  },
  {
    name: "kernel-memory",
    kind: "text",
    help: "Without effect: the kernel dropped it",
    hidden: true,
  },
  { name: "kernel-memory-tcp", kind: "text", help: "Limit on TCP buffers", hidden: true },
];

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
