// The file that tells a caller the pid of init.

import { RuntimeError } from "../errors.ts";
import { rename } from "../sys/directory.ts";
import { closeFd, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, open, writeAll } from "../sys/file.ts";

/** Digits and no newline, whole or not at all: callers wait for the file and read it at once. */
export function writePidFile(path: string, pid: number): void {
  const slash = path.lastIndexOf("/") + 1;
  const temporary = `${path.slice(0, slash)}.${path.slice(slash)}`;
  try {
    const fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
    writeAll(fd, Buffer.from(String(pid)));
    closeFd(fd);
    rename(temporary, path);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new RuntimeError(`cannot write the pid file ${path}: ${error.message}`);
  }
}
