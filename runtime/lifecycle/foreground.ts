// The foreground of run: one loop over signals, the end of init, and a terminal if there is one.

import type { Init } from "../engine/run.ts";
import { closeFd, tryReadSome, tryWriteSome, writeAll } from "../sys/file.ts";
import { type Ending, pollEnding, reapOthers, SIGCHLD, trySignal } from "../sys/process.ts";
import { type Interest, nextSignal, POLLIN, poll } from "../sys/signal.ts";
import { copyWindowSize, isTerminal, makeRaw, setModes } from "../sys/terminal.ts";
import type { ReadySocket } from "./notify-socket.ts";

const SIGWINCH = 28;
const SIGURG = 23;
const STDIN = 0;
const STDOUT = 1;

export interface Foreground {
  init: Init;
  /** A signalfd of every signal; they are blocked. */
  signals: number;
  /** Master of the container's terminal. */
  console: number | undefined;
  /** Starts the container, with the terminal ready; gives where its program says that it is, too. */
  begin(): ReadySocket | undefined;
}

/** Passes signals, input and output on until init ends; the caller's terminal is as before. */
export function attend(foreground: Foreground): Ending {
  const { console } = foreground;
  const restore = console === undefined ? undefined : takeTerminal(console);
  try {
    return untilEnd(foreground, foreground.begin());
  } finally {
    restore?.();
  }
}

/** The caller's terminal in raw mode and its size passed on; returns what restores it. */
function takeTerminal(console: number): (() => void) | undefined {
  if (!isTerminal(STDIN)) return undefined;
  copyWindowSize(STDIN, console);
  const modes = makeRaw(STDIN);
  return () => setModes(STDIN, modes);
}

function untilEnd({ init, signals, console }: Foreground, ready: ReadySocket | undefined): Ending {
  let awaited = ready;
  let inputOpen = console !== undefined;
  let outputOpen = console !== undefined;
  for (;;) {
    const master = console ?? -1;
    const interests: Interest[] = [
      { fd: init.pidfd, events: POLLIN },
      { fd: signals, events: POLLIN },
      { fd: outputOpen ? master : -1, events: POLLIN },
      { fd: inputOpen ? STDIN : -1, events: POLLIN },
      { fd: awaited?.fd ?? -1, events: POLLIN },
    ];
    const [ended = 0, signalled = 0, output = 0, input = 0, message = 0] = poll(interests);
    if (message !== 0 && awaited !== undefined) awaited = heard(awaited);
    if (output !== 0) outputOpen = copyOutput(master);
    if (input !== 0) inputOpen = copyInput(master);
    if (signalled !== 0) passSignals(signals, { init, console });
    if (ended === 0 || output !== 0 || message !== 0) continue;
    const ending = pollEnding(init.pidfd);
    if (ending === undefined) continue;
    if (console !== undefined) closeFd(console);
    return ending;
  }
}

/** This process stays, so that it remains what the service manager looks after. */
function heard(ready: ReadySocket): ReadySocket | undefined {
  const notify: typeof import("./notify-socket.ts") = require("./notify-socket.ts");
  if (!notify.hearsReady(ready)) return ready;
  notify.tellReady(ready, { mainPid: process.pid, leaves: false });
  closeFd(ready.fd);
  return undefined;
}

/** Returns false at the end: a pty without a slave answers EIO. */
function copyOutput(master: number): boolean {
  const some = tryReadSome(master, 16_384);
  if (typeof some === "number" || some.length === 0) return false;
  writeAll(STDOUT, some);
  return true;
}

function copyInput(master: number): boolean {
  const some = tryReadSome(STDIN, 4_096);
  if (typeof some === "number" || some.length === 0) return false;
  for (let rest = some; rest.length > 0; ) {
    const written = tryWriteSome(master, rest);
    if (written < 0) return false;
    rest = rest.subarray(written);
  }
  return true;
}

/** Everything but what concerns us alone: ended children, the size of the window, Go's SIGURG. */
function passSignals(fd: number, { init, console }: Pick<Foreground, "init" | "console">): void {
  for (let signal = nextSignal(fd); signal !== undefined; signal = nextSignal(fd)) {
    if (signal === SIGCHLD) reapOthers(init.pid);
    else if (signal === SIGWINCH && console !== undefined) copyWindowSize(STDIN, console);
    else if (signal !== SIGURG) trySignal(init.pidfd, signal);
  }
}
