// Daemons of the tests' own: each with its folders below the room, ended by its pid. The room's
// variable is in their environment, so whatever they leave running is found (leaks.ts).

import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { patience } from "../patience.ts";
import { bareEnvironment } from "../program.ts";
import { freshName, room } from "../room.ts";
import { waitUntil } from "../wait.ts";

/** A daemon that runs. */
export interface Daemon {
  pid: number;
  /** What it has written so far. */
  log(): string;
  /** Ends it as its users do, by a signal, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface DaemonOptions {
  /** Added to a bare environment of PATH. */
  env?: Record<string, string>;
  /** Asked again and again until it is true. */
  isReady(): boolean | Promise<boolean>;
}

/**
 * Starts a daemon and waits until it is ready.
 *
 * @throws Error with the end of its log when it ends before, or takes too long
 */
export async function startDaemon(
  command: readonly string[],
  options: DaemonOptions,
): Promise<Daemon> {
  const file = join(room.directory, `${freshName()}.log`);
  const fd = openSync(file, "w");
  const child = Bun.spawn([...command], {
    cwd: room.directory,
    env: { ...bareEnvironment(), TMPDIR: room.directory, ...options.env },
    stdio: ["ignore", fd, fd],
  });
  closeSync(fd);
  const log = (): string => readFileSync(file, "utf8");
  const lastWords = (what: string): Error =>
    new Error(`${command[0]}: ${what}\n${log().slice(-2000)}`);
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000 * patience);
    await child.exited;
    clearTimeout(timer);
  };
  try {
    await waitUntil(
      "readiness",
      () => {
        if (child.exitCode !== null) throw lastWords(`ended with ${child.exitCode}`);
        return options.isReady();
      },
      30_000,
    );
  } catch (error) {
    await stop("SIGKILL");
    throw lastWords(`${error}`);
  }
  return { pid: child.pid, log, stop };
}
