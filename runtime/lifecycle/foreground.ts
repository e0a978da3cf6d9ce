// The foreground of run: one loop over signals, the end of init, and a terminal if there is one.

import type { Init } from "../engine/init.ts";
import { closeFd } from "../sys/file.ts";
import { type Ending, pollEnding, reapOthers, SIGCHLD, trySignal } from "../sys/process.ts";
import {
  type Interest,
  nextSignal,
  POLLIN,
  poll,
  SIGCONT,
  SIGPIPE,
  SIGURG,
  SIGWINCH,
} from "../sys/signal.ts";
import type { Console } from "./console.ts";
import type { ReadySocket } from "./notify-socket.ts";

/** Ended children, and what Go's scheduler sends. */
const OURS = [SIGCHLD, SIGURG];
/** The size of the caller's terminal, and what our own writing brings. */
const OURS_WITH_TERMINAL = [...OURS, SIGWINCH, SIGPIPE];

export interface Foreground {
  init: Init;
  /** A signalfd of every signal; they are blocked. */
  signals: number;
  /** Master of the container's terminal. */
  console: number | undefined;
  /** Starts the container, with the terminal ready; gives where its program says that it is, too. */
  begin(): ReadySocket | undefined;
  /** Called once when init is still there at that time, counted from the start of this program. */
  deadline?: { atMs: number; pass(): void };
}

/** Passes signals, input and output on until init ends; the caller's terminal is as before. */
export function attend(foreground: Foreground): Ending {
  const console = consoleOf(foreground);
  try {
    console?.takeTerminal();
    return untilEnd(foreground, console);
  } finally {
    console?.leaveTerminal();
  }
}

function consoleOf({ console }: Foreground): Console | undefined {
  if (console === undefined) return undefined;
  // Most containers have no terminal.
  const { openConsole }: typeof import("./console.ts") = require("./console.ts");
  return openConsole(console);
}

function untilEnd(foreground: Foreground, opened: Console | undefined): Ending {
  const { init, signals } = foreground;
  let awaited = foreground.begin();
  let console = opened;
  let { deadline } = foreground;
  for (;;) {
    const interests = [
      { fd: init.pidfd, events: POLLIN },
      { fd: signals, events: POLLIN },
      { fd: awaited?.fd ?? -1, events: POLLIN },
      ...(console?.interests() ?? []),
    ];
    const leftMs = deadline && Math.max(deadline.atMs - performance.now(), 0);
    const [ended = 0, signalled = 0, message = 0, ...moved] = poll(interests, leftMs);
    if (deadline !== undefined && performance.now() >= deadline.atMs) {
      deadline.pass();
      deadline = undefined;
    }
    if (message !== 0 && awaited !== undefined) awaited = heard(awaited);
    if (console?.move(moved) === false) {
      console.hangUp();
      console = undefined;
    }
    if (signalled !== 0) passSignals(foreground, console);
    if (ended === 0 || message !== 0) continue;
    const ending = pollEnding(init.pidfd);
    if (ending === undefined) continue;
    console?.drain((interest) => waitUnlessSignalled(interest, foreground));
    console?.hangUp();
    return ending;
  }
}

/** False: whoever sends a signal now does not want to wait for a reader of what is left. */
function waitUnlessSignalled(interest: Interest, foreground: Foreground): boolean {
  for (;;) {
    const [ready = 0, signalled = 0] = poll([interest, { fd: foreground.signals, events: POLLIN }]);
    if (signalled !== 0 && passSignals(foreground)) return false;
    if (ready !== 0) return true;
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

/** Everything but what concerns us alone; returns whether there was any. */
function passSignals({ init, signals, console: master }: Foreground, console?: Console): boolean {
  let passed = false;
  for (let signal = nextSignal(signals); signal !== undefined; signal = nextSignal(signals)) {
    if (signal === SIGCHLD) reapOthers(init.pid);
    if (signal === SIGWINCH) console?.resize();
    if (signal === SIGCONT) console?.takeTerminal();
    const isOurs = master === undefined ? OURS : OURS_WITH_TERMINAL;
    if (isOurs.includes(signal)) continue;
    trySignal(init.pidfd, signal);
    passed = true;
  }
  return passed;
}
