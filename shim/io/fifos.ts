// Fifos of the client's. The shim holds the end that the process does not have: a client that goes
// away leaves a fifo whose contents stay, and nobody is killed by SIGPIPE; one that stays sees the
// end of file with the last writer, which the shim never is.

import { tryChangeOwner } from "../../runtime/sys/entry.ts";
import {
  AT_FDCWD,
  closeFd,
  O_APPEND,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  open,
  setBlocking,
} from "../../runtime/sys/file.ts";
import { S_IFIFO, S_IFMT, statusAt } from "../../runtime/sys/status.ts";
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
  return { ends, handOver, closeStdin: () => release("stdin"), close };

  /** A reader that does not wait for a writer; then the writer that keeps it from an early end. */
  function openInput(): void {
    const path = pathOf(names.stdin);
    const reader = open(path, O_RDONLY | O_NONBLOCK);
    ends.stdin = reader;
    own(reader, owner);
    if (isFifo(path)) held.stdin = open(path, O_WRONLY | O_NONBLOCK);
    setBlocking(reader);
  }

  /** A reader that never reads, so that the writer need not wait for one, nor dies of its leaving. */
  function openOutput(name: "stdout" | "stderr"): void {
    const path = pathOf(names[name]);
    if (isFifo(path)) held[name] = open(path, O_RDONLY | O_NONBLOCK);
    const writer = open(path, isFifo(path) ? O_WRONLY : O_WRONLY | O_APPEND);
    ends[name] = writer;
    own(writer, owner);
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

function isFifo(path: string): boolean {
  const status = statusAt(AT_FDCWD, path, 0);
  return typeof status !== "number" && (status.mode & S_IFMT) === S_IFIFO;
}

/** Where we may not, the process has what it has. */
function own(fd: number, { uid, gid }: Owner): void {
  if (uid !== 0 || gid !== 0) tryChangeOwner(fd, uid, gid);
}
