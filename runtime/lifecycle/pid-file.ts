// The file that tells a caller the pid of init.

import { RuntimeError } from "../errors.ts";
import { rename } from "../sys/directory.ts";
import { tryUnlinkAt } from "../sys/entry.ts";
import {
  AT_FDCWD,
  closeFd,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  open,
  writeAll,
} from "../sys/file.ts";

/** Digits and no newline, whole or not at all: callers wait for the file and read it at once. */
export function writePidFile(path: string, pid: number): void {
  const slash = path.lastIndexOf("/") + 1;
  // Named after init: what is left of a command that was killed is in nobody's way.
  const temporary = `${path.slice(0, slash)}.${path.slice(slash)}.${pid}`;
  try {
    const fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
    try {
      writeAll(fd, Buffer.from(String(pid)));
      rename(temporary, path);
    } catch (error) {
      tryUnlinkAt(AT_FDCWD, temporary);
      throw error;
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new RuntimeError(`cannot write the pid file ${path}: ${error.message}`);
  }
}
