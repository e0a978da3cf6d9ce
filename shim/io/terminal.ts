// The pump of a terminal: what the process writes to its client, what the client types to the
// process. Each way has one buffer; who does not read is waited for, and nobody else waits.

import { EAGAIN } from "../../runtime/errno.ts";
import { EPOLLHUP, EPOLLIN, EPOLLOUT } from "../../runtime/sys/epoll.ts";
import { closeFd, setNonBlocking, tryReadSome, tryWriteSome } from "../../runtime/sys/file.ts";
import { setWindowSize } from "../../runtime/sys/terminal.ts";
import type { Loop } from "../loop.ts";

export interface Terminal {
  resize(size: { width: number; height: number }): void;
  /** Calls back when everything that has been written by now has been passed on. */
  whenDrained(done: () => void): void;
  /** Ends the pump, whatever is left, and tells those who wait. */
  close(): void;
}

interface PumpEnds {
  /** The master of the pty; the pump's from now on, as the others are. */
  master: number;
  input: number | undefined;
  output: number | undefined;
}

const CHUNK_BYTES = 16_384;
/** Read at most, each way, before others have their turn; more than the kernel keeps of a pty. */
const TURN_BYTES = 65_536;
const NOTHING = new Uint8Array(0);

interface Way {
  from: number | undefined;
  to: number | undefined;
  /** Read, and not written yet. */
  left: Uint8Array;
  /** Bytes that have been read. */
  count: number;
}

export function pumpTerminal(loop: Loop, { master, input, output }: PumpEnds): Terminal {
  const toClient: Way = { from: master, to: output, left: NOTHING, count: 0 };
  const toProcess: Way = { from: input, to: master, left: NOTHING, count: 0 };
  const fds = [master, input, output].filter((fd) => fd !== undefined);
  for (const fd of fds) setNonBlocking(fd);
  const armed = new Map<number, number>();
  const waiting: (() => void)[] = [];
  /** How much of the output they wait for. */
  let awaited = Number.POSITIVE_INFINITY;
  let isOpen = true;
  turn();
  return {
    resize: (size) => {
      if (isOpen) setWindowSize(master, size);
    },
    whenDrained(done) {
      waiting.push(done);
      awaited = toClient.count + TURN_BYTES;
      turn();
    },
    close,
  };

  function hear(fd: number, events: number): void {
    // Writing would not tell: without a slave the kernel takes nothing, as from one that is full.
    if (fd === master && (events & EPOLLHUP) !== 0) toProcess.to = undefined;
    turn();
  }

  function turn(): void {
    if (isOpen) {
      const stop = pass(toClient, Math.min(toClient.count + TURN_BYTES, awaited));
      // A pty without a slave answers EIO: nothing comes any more.
      if (stop === "over") close();
      else typeAndListen();
      if (stop === "full" || (stop === "enough" && toClient.count < awaited)) return;
    }
    tell();
  }

  function tell(): void {
    awaited = Number.POSITIVE_INFINITY;
    for (const done of waiting.splice(0)) done();
  }

  function typeAndListen(): void {
    const stop = pass(toProcess, toProcess.count + TURN_BYTES);
    const isOver = stop === "over" || toProcess.to === undefined;
    if (isOver) toProcess.from = undefined;
    const reads = toClient.left.length === 0 ? EPOLLIN : 0;
    const writes = stop === "full" ? EPOLLOUT : 0;
    arm(master, reads | writes);
    arm(output, reads === 0 ? EPOLLOUT : 0);
    arm(input, isOver || stop === "full" ? 0 : EPOLLIN);
  }

  /** Nothing at all for no events: a hang-up would be told again and again. */
  function arm(fd: number | undefined, events: number): void {
    if (fd === undefined) return;
    const before = armed.get(fd) ?? 0;
    if (events === before) return;
    if (events === 0) loop.forget(fd);
    else if (before === 0) loop.watch(fd, events, (ready) => hear(fd, ready));
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
    tell();
  }
}

/** Passes on what is there, until one side has nothing, the other takes nothing, or it is enough. */
function pass(way: Way, enough: number): "empty" | "full" | "enough" | "over" {
  for (;;) {
    if (way.left.length > 0) {
      const written = way.to === undefined ? way.left.length : tryWriteSome(way.to, way.left);
      if (written === -EAGAIN) return "full";
      // Who cannot be written to any more loses what is said.
      if (written < 0) way.to = undefined;
      else way.left = way.left.subarray(written);
    } else {
      if (way.count >= enough) return "enough";
      const some = way.from === undefined ? 0 : tryReadSome(way.from, CHUNK_BYTES);
      if (some === -EAGAIN) return "empty";
      if (typeof some === "number" || some.length === 0) return "over";
      way.count += some.length;
      way.left = some;
    }
  }
}
