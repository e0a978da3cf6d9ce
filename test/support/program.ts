// Runs a program the way that all tests do: its output kept in files, and always with a time limit.

import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { patience } from "./patience.ts";
import { freshName, room, roomVariable } from "./room.ts";

/** Exit code of a command that was killed at its time limit: no program's own. */
export const LATE = -1;

export interface ProgramOptions {
  cwd?: string;
  /** Added to a bare environment of PATH. */
  env?: Record<string, string>;
  /** Text for standard input; absent: /dev/null. */
  stdin?: string;
  /** Descriptors of this process that become 3, 4, … of the program. */
  fds?: readonly number[];
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

/**
 * Starts a program. Its output goes to files and not to pipes, which a container that outlives the
 * command would hold open.
 */
export function startProgram(command: readonly string[], options: ProgramOptions = {}): Running {
  const name = join(room.directory, freshName());
  const out = openSync(`${name}.out`, "w");
  const err = openSync(`${name}.err`, "w");
  const child = Bun.spawn([...command], {
    cwd: options.cwd ?? room.directory,
    env: { ...bareEnvironment(), ...options.env },
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
      const stderrText = `${command.join(" ")}: killed, no end in time\n${stderr()}`;
      return { code: LATE, stdout: stdout(), stderr: stderrText };
    }),
  };
}

/** PATH, and the variable by which whatever is left running is known as this room's. */
export function bareEnvironment(): Record<string, string> {
  const [name = "", value = ""] = roomVariable.split("=");
  return { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", [name]: value };
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
