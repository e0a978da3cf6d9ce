// Runs the built program as its users do: by its command line. RUNTIME names another one.

import { closeSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { patience } from "./patience.ts";
import { freshName, room, roomVariable } from "./room.ts";

/** Exit code of a command that was killed at its time limit: no program's own. */
export const LATE = -1;

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

export interface RuntOptions {
  /** Absent: root. */
  as?: Caller;
  cwd?: string;
  /** Added to a bare environment of PATH. */
  env?: Record<string, string>;
  /** Text for standard input; absent: /dev/null. */
  stdin?: string;
  /** Descriptors of this process that become 3, 4, … of the runtime. */
  fds?: readonly number[];
  /** Programs before the runtime's name, such as `["prlimit", "--nofile=64"]`. */
  through?: readonly string[];
  /** The same for every command on the container, such as `["nsenter", "--mount=/proc/7/ns/mnt"]`. */
  within?: readonly string[];
  /** The runtime's `--root`; absent: the room's for root, and none for others. */
  root?: string;
  /** After this the program is killed, and its code is `LATE`. */
  limitMs?: number;
}

/** How a command ended, and what it and its container had written by then. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A command that may still run. */
export interface Running {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** What it and its container have written so far; goes on after the command has ended. */
  stdout(): string;
  stderr(): string;
  ended: Promise<Outcome>;
}

/** Runs the program to its end. */
export function runt(args: readonly string[], options: RuntOptions = {}): Promise<Outcome> {
  return startRunt(args, options).ended;
}

/**
 * Starts the program. Its output goes to files and not to pipes, which a container that outlives
 * the command would hold open.
 */
export function startRunt(args: readonly string[], options: RuntOptions = {}): Running {
  const name = join(room.directory, freshName());
  const out = openSync(`${name}.out`, "w");
  const err = openSync(`${name}.err`, "w");
  const { as: caller } = options;
  const root = options.root ?? (caller === undefined ? room.root : undefined);
  const command = [
    ...(caller?.through ?? []),
    ...(options.within ?? []),
    ...(options.through ?? []),
    caller?.runtime ?? runtime,
    ...(root === undefined ? [] : ["--root", root]),
  ];
  const child = Bun.spawn([...command, ...args], {
    cwd: options.cwd ?? room.directory,
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      [roomVariable.split("=")[0] ?? ""]: room.directory,
      ...caller?.env,
      ...options.env,
    },
    stdio: [
      options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
      out,
      err,
      ...(options.fds ?? []),
    ],
  });
  closeSync(out);
  closeSync(err);
  const stdout = (): string => readFileSync(`${name}.out`, "utf8");
  const stderr = (): string => readFileSync(`${name}.err`, "utf8");
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    stdout,
    stderr,
    ended: ending(child, (options.limitMs ?? 20_000) * patience).then((code) => {
      if (code !== undefined) return { code, stdout: stdout(), stderr: stderr() };
      const stderrText = `${args.join(" ")}: killed, no end in time\n${stderr()}`;
      return { code: LATE, stdout: stdout(), stderr: stderrText };
    }),
  };
}

/** Exit code, 128 + signal, or undefined when it had to be killed at its limit. */
async function ending(child: Bun.Subprocess, limitMs: number): Promise<number | undefined> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, limitMs);
  const code = await child.exited;
  clearTimeout(timer);
  return late ? undefined : code;
}
