// A client's ends of a container's fifos: one program reads each, and its output is the container's.

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Running, startProgram } from "./program.ts";
import { freshDirectory } from "./room.ts";

export interface ClientStreams {
  /** As Create and Exec take them. */
  names: { stdin: string; stdout: string; stderr: string; terminal: boolean };
  /** What has come so far by `stdout()`; it has `ended` when the end of the file has come. */
  stdout: Running;
  stderr: Running;
  /** Writes to standard input; the client's end is open from the first time on. */
  write(text: string): void;
  /** Closes the client's end of standard input. */
  closeInput(): void;
  /** Lets go of everything, as a client that is killed. */
  leave(): void;
}

const LIMIT_MS = process.env["SOAK"] === "1" ? 600_000 : 90_000;

/** Makes the fifos of one process and has them read, by a shell's command. */
export function clientStreams({
  stdin = false,
  terminal = false,
  reader = "cat",
} = {}): ClientStreams {
  const folder = freshDirectory();
  const fifo = (name: string): string => {
    const path = join(folder, name);
    const command = ["mkfifo", "--mode=700", path];
    if (Bun.spawnSync(command).exitCode !== 0) throw new Error(`mkfifo ${path}`);
    return path;
  };
  const names = {
    stdin: stdin ? fifo("stdin") : "",
    stdout: fifo("stdout"),
    stderr: terminal ? "" : fifo("stderr"),
    terminal,
  };
  const read = (path: string): Running =>
    startProgram(["sh", "-c", `exec ${reader} < ${path}`], { limitMs: LIMIT_MS });
  const stdout = read(names.stdout);
  const stderr = read(names.stderr || "/dev/null");
  let input = -1;
  const closeInput = (): void => {
    if (input >= 0) closeSync(input);
    input = -1;
  };
  return {
    names,
    stdout,
    stderr,
    write: (text) => {
      // For reading as well: so it can be opened before anyone reads.
      if (input < 0) input = openSync(names.stdin, constants.O_RDWR | constants.O_NONBLOCK);
      writeSync(input, text);
    },
    closeInput,
    leave: () => {
      closeInput();
      for (const reader of [stdout, stderr]) reader.kill("SIGKILL");
    },
  };
}
