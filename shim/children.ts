// The one place that reaps. Everything that ends below a shim ends as its child: workers, the
// containers' processes, and what those leave behind.

import { REAPED } from "../runtime/engine/init.ts";
import { EPOLLIN } from "../runtime/sys/epoll.ts";
import {
  type Ending,
  hasChild,
  nextEnded,
  SIGCHLD,
  SIGKILL,
  tryKill,
} from "../runtime/sys/process.ts";
import { nextSignal } from "../runtime/sys/signal.ts";
import type { Loop } from "./loop.ts";

/** How many are reaped in one turn of the loop: ten thousand orphans keep nobody waiting. */
const REAPED_MAX = 100;

export interface Child {
  pid: number;
  /** REAPED of one that was reaped before anyone could hold it. */
  pidfd: number;
}

export interface Children {
  /** Calls back once, when a child has ended; at the next turn of the loop if it has already. */
  whenEnded(child: Child, ended: (ending: Ending) => void): void;
  /** Kills those of the pids that are children whom nobody waits for; calls back when they are gone. */
  endStrangers(pids: readonly number[], done: () => void): void;
  /**
   * Until it is given back, endings of strangers are remembered: a worker may still be about to tell
   * of a child that has ended meanwhile.
   */
  expectStrangers(): () => void;
  /** Reaps who has ended by now, and takes the signals that are there, as when one is told of. */
  look(): void;
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
  loop.watch(signals, EPOLLIN, look);
  return {
    look,
    whenEnded({ pid, pidfd }, ended) {
      const ending = strangers.get(pid);
      // Another child may have the pid by now: what was reaped then had it before.
      const isOver = ending !== undefined && (pidfd === REAPED || !hasChild(pid));
      strangers.delete(pid);
      if (isOver) loop.after(0, () => ended(ending));
      else waiting.set(pid, ended);
    },
    endStrangers(pids, done) {
      const alive = new Set(pids.filter((pid) => !waiting.has(pid) && hasChild(pid)));
      for (const pid of alive) {
        waiting.set(pid, () => {
          alive.delete(pid);
          if (alive.size === 0) done();
        });
        tryKill(pid, SIGKILL);
      }
      if (alive.size === 0) done();
    },
    expectStrangers() {
      expecting++;
      return () => {
        expecting--;
        if (expecting === 0) strangers.clear();
      };
    },
  };

  function look(): void {
    for (let signal = nextSignal(signals); signal !== undefined; signal = nextSignal(signals)) {
      if (signal !== SIGCHLD) other(signal);
    }
    reap();
  }

  function reap(): void {
    for (let count = 0; count < REAPED_MAX; count++) {
      const child = nextEnded();
      if (child === undefined) return;
      const ended = waiting.get(child.pid);
      waiting.delete(child.pid);
      // Each on its own: what one throws is not the others' matter.
      if (ended !== undefined) loop.after(0, () => ended(child.ending));
      else if (expecting > 0) strangers.set(child.pid, child.ending);
    }
    loop.after(0, reap);
  }
}
