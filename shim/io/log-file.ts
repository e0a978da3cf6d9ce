// file://PATH: both outputs appended to one file.

import { makeDirectories } from "../../runtime/sys/directory.ts";
import { closeFd, duplicate, O_APPEND, O_CREAT, O_WRONLY, open } from "../../runtime/sys/file.ts";
import type { Ends, StreamNames, Streams } from "./streams.ts";

export function openLogFile({ stdout, terminal }: StreamNames): Streams {
  const path = decodeURIComponent(new URL(stdout).pathname);
  makeDirectories(path.slice(0, path.lastIndexOf("/")), 0o755);
  const file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644);
  const ends: Ends = {
    stdin: undefined,
    stdout: file,
    stderr: terminal ? undefined : duplicate(file),
  };
  return {
    ends,
    handOver() {
      for (const fd of [ends.stdout, ends.stderr]) if (fd !== undefined) closeFd(fd);
      ends.stdout = undefined;
      ends.stderr = undefined;
    },
    closeStdin: () => undefined,
    close: () => undefined,
  };
}
