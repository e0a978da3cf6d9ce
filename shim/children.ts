// The one place that reaps. Everything that ends below a shim ends as its child: workers, the
// containers' processes, and what those leave behind.

import { REAPED } from "../runtime/engine/init.ts";
import { EPOLLIN } from "../runtime/sys/epoll.ts";
import { type Ending, nextEnded, SIGCHLD, trySignal } from "../runtime/sys/process.ts";
import { nextSignal } from "../runtime/sys/signal.ts";
import type { Loop } from "./loop.ts";

export interface Child {
  pid: number;
  /** REAPED of one that was reaped before anyone could hold it. */
  pidfd: number;
}

export interface Children {
  /** Calls back once, when a child has ended; at the next turn of the loop if it has already. */
  whenEnded(child: Child, ended: (ending: Ending) => void): void;
  /**
   * Until it is given back, endings of strangers are remembered: a worker may still be about to tell
   * of a child that has ended meanwhile.
   */
  expectStrangers(): () => void;
}

/**
 * Watches over the children of this process.
 * @param signals a signalfd; what it reads besides SIGCHLD is handed to `other`
 */
export function makeChildren(
  loop: Loop,
  signals: number,
  other: (signal: number) => void,
): Children {
  const waiting = new Map<number, (ending: Ending) => void>();
  const strangers = new Map<number, Ending>();
  let expecting = 0;
  loop.watch(signals, EPOLLIN, () => {
    for (let signal = nextSignal(signals); signal !== undefined; signal = nextSignal(signals)) {
      if (signal !== SIGCHLD) other(signal);
    }
    reap();
  });
  return {
    whenEnded({ pid, pidfd }, ended) {
      const ending = strangers.get(pid);
      // The pid may have passed on to another process; what has been reaped cannot be signalled.
      const isOver = ending !== undefined && (pidfd === REAPED || trySignal(pidfd, 0) < 0);
      strangers.delete(pid);
      if (isOver) loop.after(0, () => ended(ending));
      else waiting.set(pid, ended);
    },
    expectStrangers() {
      expecting++;
      return () => {
        expecting--;
        if (expecting === 0) strangers.clear();
      };
    },
  };

  function reap(): void {
    for (let child = nextEnded(); child !== undefined; child = nextEnded()) {
      const ended = waiting.get(child.pid);
      waiting.delete(child.pid);
      if (ended !== undefined) ended(child.ending);
      else if (expecting > 0) strangers.set(child.pid, child.ending);
    }
  }
}
