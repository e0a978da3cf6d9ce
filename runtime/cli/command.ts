// What a command is, and what it gets.

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
