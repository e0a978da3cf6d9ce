// The shim's log: lines as logrus writes them, into the fifo that containerd reads. While nobody
// reads, as when containerd is restarted, lines are dropped: nothing waits for the log.

import type { Log, LogLevel } from "../runtime/log.ts";
import { logLine } from "../runtime/log.ts";
import {
  closeFd,
  O_APPEND,
  O_NONBLOCK,
  O_WRONLY,
  tryOpen,
  tryWriteSome,
} from "../runtime/sys/file.ts";

/** A log whose lines have further fields, such as the container's id. */
export interface ShimLog extends Log {
  info(message: string, fields?: object): void;
  with(fields: object): ShimLog;
}

/** PIPE_BUF: a line up to this length arrives whole or not at all (pipe(7)). */
const LINE_BYTES_MAX = 4096;

/**
 * @param path of the fifo. It is opened for each line: its reader comes and goes, and workers are
 *   born without descriptors of the shim's.
 */
export function makeShimLog(path: string, { debugs }: { debugs: boolean }): ShimLog {
  return withFields({});

  function withFields(fixed: object): ShimLog {
    const writer = (level: LogLevel | "info") => (message: string, fields?: object) =>
      write(logLine(level, message, { ...fields, ...fixed }));
    return {
      debugs,
      debug: debugs ? writer("debug") : () => undefined,
      info: writer("info"),
      warn: writer("warning"),
      error: writer("error"),
      with: (fields) => withFields({ ...fixed, ...fields }),
    };
  }

  function write(line: string): void {
    const fd = tryOpen(path, O_WRONLY | O_NONBLOCK | O_APPEND);
    if (fd < 0) return;
    const bytes = Buffer.from(`${line}\n`);
    const NEWLINE = 10;
    if (bytes.length > LINE_BYTES_MAX) bytes[LINE_BYTES_MAX - 1] = NEWLINE;
    tryWriteSome(fd, bytes.subarray(0, LINE_BYTES_MAX));
    closeFd(fd);
  }
}
