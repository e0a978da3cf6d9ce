// The pump of a terminal: what the process writes to its client, what the client types to the
// process. Each way has one buffer; who does not read is waited for, and nobody else waits.

import { EPOLLIN, EPOLLOUT } from "../../runtime/sys/epoll.ts";
import { closeFd, setNonBlocking, tryReadSome, tryWriteSome } from "../../runtime/sys/file.ts";
import { setWindowSize } from "../../runtime/sys/terminal.ts";
import type { Loop } from "../loop.ts";

export interface Terminal {
  resize(size: { width: number; height: number }): void;
  /** Calls back when everything that the process has written has been passed on. */
  whenDrained(done: () => void): void;
  /** Ends the pump, whatever is left. */
  close(): void;
}

interface PumpEnds {
  /** The master of the pty; the pump's from now on, as the others are. */
  master: number;
  input: number | undefined;
  output: number | undefined;
}

const EAGAIN = 11;
const CHUNK_BYTES = 16_384;

export function pumpTerminal(loop: Loop, { master, input, output }: PumpEnds): Terminal {
  const waiting: (() => void)[] = [];
  const fds = [master, input, output].filter((fd) => fd !== undefined);
  for (const fd of fds) setNonBlocking(fd);
  const armed = new Map<number, number>();
  let isOpen = true;
  let isOutputOver = false;
  /** Read, and not written yet. */
  let toClient: Uint8Array = new Uint8Array(0);
  let toProcess: Uint8Array = new Uint8Array(0);
  let typed = input;
  turn();
  return {
    resize: (size) => {
      if (isOpen) setWindowSize(master, size);
    },
    whenDrained(done) {
      if (isOutputOver) done();
      else waiting.push(done);
    },
    close,
  };

  function turn(): void {
    if (!isOpen) return;
    copyOut();
    copyIn();
    if (isOpen) listen();
  }

  /** Until one side has nothing, or the other takes nothing. */
  function copyOut(): void {
    for (;;) {
      if (toClient.length > 0) {
        const written = output === undefined ? toClient.length : tryWriteSome(output, toClient);
        if (written === -EAGAIN) return;
        // A client that cannot be written to any more loses what is said to it.
        toClient = written < 0 ? new Uint8Array(0) : toClient.subarray(written);
        continue;
      }
      const some = tryReadSome(master, CHUNK_BYTES);
      if (some === -EAGAIN) return;
      if (typeof some === "number" || some.length === 0) {
        finishOutput();
        return;
      }
      toClient = some;
    }
  }

  function copyIn(): void {
    for (;;) {
      if (toProcess.length > 0) {
        const written = tryWriteSome(master, toProcess);
        if (written === -EAGAIN) return;
        toProcess = written < 0 ? new Uint8Array(0) : toProcess.subarray(written);
        continue;
      }
      if (typed === undefined) return;
      const some = tryReadSome(typed, CHUNK_BYTES);
      if (some === -EAGAIN) return;
      if (typeof some === "number" || some.length === 0) {
        arm(typed, 0);
        typed = undefined;
        return;
      }
      toProcess = some;
    }
  }

  /** A pty without a slave answers EIO: nothing comes any more. */
  function finishOutput(): void {
    isOutputOver = true;
    const others = waiting.splice(0);
    close();
    for (const done of others) done();
  }

  function listen(): void {
    const reads = toClient.length === 0 ? EPOLLIN : 0;
    const writes = toProcess.length > 0 ? EPOLLOUT : 0;
    arm(master, reads | writes);
    if (output !== undefined) arm(output, toClient.length > 0 ? EPOLLOUT : 0);
    if (typed !== undefined) arm(typed, toProcess.length === 0 ? EPOLLIN : 0);
  }

  /** Nothing at all for no events: a hang-up would be told again and again. */
  function arm(fd: number, events: number): void {
    const before = armed.get(fd) ?? 0;
    if (events === before) return;
    if (events === 0) loop.forget(fd);
    else if (before === 0) loop.watch(fd, events, turn);
    else loop.change(fd, events);
    armed.set(fd, events);
  }

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    for (const fd of fds) {
      loop.forget(fd);
      closeFd(fd);
    }
  }
}
