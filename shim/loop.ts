// The one loop of a shim: descriptors and timers, over epoll. The engine's own event loop is not
// used: it starts threads, and a process with threads cannot be forked safely.

import {
  addInterest,
  changeInterest,
  openEpoll,
  removeInterest,
  waitForInterests,
} from "../runtime/sys/epoll.ts";
import { closeFd } from "../runtime/sys/file.ts";

export interface Loop {
  /** Calls `run` with the events of a descriptor, as long as there are any that were asked for. */
  watch(fd: number, events: number, run: (events: number) => void): void;
  /** Asks for other events of a watched descriptor; for none, errors and hang-ups still come. */
  change(fd: number, events: number): void;
  /** Ends a watch, if there is one; to be called before the descriptor is closed. */
  forget(fd: number): void;
  /** Calls `run` once, later; returns what prevents that. */
  after(milliseconds: number, run: () => void): () => void;
  /** Runs until it is stopped. What a callback throws is given to `report`. */
  run(report: (error: unknown) => void): void;
  stop(): void;
}

interface Timer {
  atMs: number;
  run(): void;
}

export function makeLoop(): Loop {
  const epoll = openEpoll();
  const watches = new Map<number, (events: number) => void>();
  const timers = new Set<Timer>();
  let isRunning = false;
  return {
    watch(fd, events, run) {
      addInterest(epoll, fd, events);
      watches.set(fd, run);
    },
    change: (fd, events) => changeInterest(epoll, fd, events),
    forget(fd) {
      if (watches.delete(fd)) removeInterest(epoll, fd);
    },
    after(milliseconds, run) {
      const timer = { atMs: performance.now() + milliseconds, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    run(report) {
      isRunning = true;
      while (isRunning) turn(report);
      closeFd(epoll);
    },
    stop: () => {
      isRunning = false;
    },
  };

  function turn(report: (error: unknown) => void): void {
    const ready = waitForInterests(epoll, untilNextMs()).map(({ fd, events }) => ({
      fd,
      events,
      run: watches.get(fd),
    }));
    for (const { fd, events, run } of ready) {
      // The descriptor may be another's by now.
      if (watches.get(fd) === run) call(() => run?.(events), report);
    }
    const nowMs = performance.now();
    for (const timer of [...timers]) {
      if (timer.atMs > nowMs || !timers.delete(timer)) continue;
      call(() => timer.run(), report);
    }
  }

  function untilNextMs(): number {
    if (timers.size === 0) return -1;
    const nextMs = Math.min(...[...timers].map(({ atMs }) => atMs));
    return Math.max(0, Math.ceil(nextMs - performance.now()));
  }
}

function call(run: () => void, report: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    report(error);
  }
}
