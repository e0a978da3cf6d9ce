// Fifos of the client's. The shim holds the end that the process does not have: a client that goes
// away leaves a fifo whose contents stay, and nobody is killed by SIGPIPE; one that stays sees the
// end of file with the last writer, which the shim never is.

import { tryChangeOwner } from "../../runtime/sys/entry.ts";
import {
  closeFd,
  O_APPEND,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  open,
  setBlocking,
} from "../../runtime/sys/file.ts";
import { S_IFIFO, S_IFMT, statusOf } from "../../runtime/sys/status.ts";
import type { Ends, Owner, StreamNames, StreamSurroundings, Streams } from "./streams.ts";

const FIFO = "fifo://";

export function openFifos(names: StreamNames, { owner }: StreamSurroundings): Streams {
  const held: Partial<Record<"stdin" | "stdout" | "stderr", number>> = {};
  const ends: Ends = { stdin: undefined, stdout: undefined, stderr: undefined };
  try {
    if (names.stdin !== "") openInput();
    if (names.stdout !== "") openOutput("stdout");
    if (names.stderr !== "" && !names.terminal) openOutput("stderr");
  } catch (error) {
    handOver();
    close();
    throw error;
  }
  return {
    ends,
    whenReady: (done) => done(undefined),
    handOver,
    closeStdin: () => release("stdin"),
    whenDrained: (done) => done(),
    close,
  };

  /** A reader that does not wait for a writer; then the writer that keeps it from an early end. */
  function openInput(): void {
    const { fd, isFifo } = look(names.stdin);
    ends.stdin = fd;
    if (isFifo) {
      own(fd, owner);
      held.stdin = open(again(fd), O_WRONLY | O_NONBLOCK);
    }
    setBlocking(fd);
  }

  /** A reader that never reads, so that the writer need not wait for one, nor dies of its leaving. */
  function openOutput(name: "stdout" | "stderr"): void {
    const { fd, isFifo } = look(names[name]);
    held[name] = fd;
    ends[name] = open(again(fd), isFifo ? O_WRONLY : O_WRONLY | O_APPEND | O_NOCTTY);
    if (isFifo) own(fd, owner);
    else release(name);
  }

  function handOver(): void {
    for (const name of ["stdin", "stdout", "stderr"] as const) {
      const fd = ends[name];
      if (fd !== undefined) closeFd(fd);
      ends[name] = undefined;
    }
  }

  function release(name: keyof Ends): void {
    const fd = held[name];
    delete held[name];
    if (fd !== undefined) closeFd(fd);
  }

  function close(): void {
    for (const name of ["stdin", "stdout", "stderr"] as const) release(name);
  }
}

function pathOf(name: string): string {
  return name.startsWith(FIFO) ? name.slice(FIFO.length) : name;
}

/** Opens what may be a fifo, or a file or device instead, without waiting for anyone. */
function look(name: string): { fd: number; isFifo: boolean } {
  const fd = open(pathOf(name), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return { fd, isFifo: (statusOf(fd).mode & S_IFMT) === S_IFIFO };
}

/** What is open, whatever is at its path by now. */
function again(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Where we may not, the process has what it has. */
export function own(fd: number, { uid, gid }: Owner): void {
  if (uid !== 0 || gid !== 0) tryChangeOwner(fd, uid, gid);
}
