// Runs the built program as its users do: by its command line. RUNTIME names another one.

import { join, resolve } from "node:path";
import { LATE, type Outcome, type ProgramOptions, type Running, startProgram } from "./program.ts";
import { room } from "./room.ts";

export { LATE, type Outcome, type Running };

/** The program under test. */
export const runtime = resolve(process.env["RUNTIME"] ?? join(import.meta.dir, "../../build/runt"));

/** Who calls the runtime, when it is not root with the room's state root. */
export interface Caller {
  /** Programs that make the caller of us. */
  through: readonly string[];
  /** The caller's own copy of the program. */
  runtime: string;
  env: Record<string, string>;
}

export interface RuntOptions extends ProgramOptions {
  /** Absent: root. */
  as?: Caller;
  /** Programs before the runtime's name, such as `["prlimit", "--nofile=64"]`. */
  through?: readonly string[];
  /** The same for every command on the container, such as `["nsenter", "--mount=/proc/7/ns/mnt"]`. */
  within?: readonly string[];
  /** The runtime's `--root`; absent: the room's for root, and none for others. */
  root?: string;
}

/** Runs the program to its end. */
export function runt(args: readonly string[], options: RuntOptions = {}): Promise<Outcome> {
  return startRunt(args, options).ended;
}

/** Starts the program. */
export function startRunt(args: readonly string[], options: RuntOptions = {}): Running {
  const { as: caller } = options;
  const root = options.root ?? (caller === undefined ? room.root : undefined);
  const command = [
    ...(caller?.through ?? []),
    ...(options.within ?? []),
    ...(options.through ?? []),
    caller?.runtime ?? runtime,
    ...(root === undefined ? [] : ["--root", root]),
  ];
  return startProgram([...command, ...args], {
    ...options,
    env: { ...caller?.env, ...options.env },
  });
}
