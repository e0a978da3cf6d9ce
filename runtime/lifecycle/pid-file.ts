// The file that tells a caller the pid of init.

import { closeSync, constants, openSync, renameSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { RuntimeError } from "../errors.ts";

/** Digits and no newline, whole or not at all: callers wait for the file and read it at once. */
export function writePidFile(path: string, pid: number): void {
  const temporary = join(dirname(path), `.${basename(path)}`);
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(temporary, flags, 0o666);
    writeSync(fd, String(pid));
    closeSync(fd);
    renameSync(temporary, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeError(`cannot write the pid file ${path}: ${reason}`);
  }
}
