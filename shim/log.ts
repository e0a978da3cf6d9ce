// The shim's log: lines as logrus writes them, into the fifo that containerd reads. While nobody
// reads, as when containerd is restarted, lines are dropped: nothing waits for the log.

import type { Log, LogLevel } from "../runtime/log.ts";
import { logLine } from "../runtime/log.ts";
import { closeFd, O_NONBLOCK, O_WRONLY, tryOpen, tryWriteSome } from "../runtime/sys/file.ts";

/** A log whose lines have further fields, such as the container's id. */
export interface ShimLog extends Log {
  info(message: string, fields?: object): void;
  with(fields: object): ShimLog;
  /** In a fork, which does not have its maker's descriptors. */
  reopen(): void;
}

/** @param path of the fifo; opened when there is a line, and again after its reader has gone */
export function makeShimLog(path: string, { debugs }: { debugs: boolean }): ShimLog {
  let fd = -1;
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
      reopen: () => {
        fd = -1;
      },
    };
  }

  function write(line: string): void {
    if (fd < 0) fd = tryOpen(path, O_WRONLY | O_NONBLOCK);
    if (fd < 0) return;
    const EAGAIN = 11;
    const written = tryWriteSome(fd, Buffer.from(`${line}\n`));
    if (written >= 0 || written === -EAGAIN) return;
    closeFd(fd);
    fd = -1;
  }
}
