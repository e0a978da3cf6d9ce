// The one loop of a shim: descriptors and timers, over epoll. The engine's own event loop is given
// nothing to do but to turn when this one rests (tidy-up.ts): with work it starts threads, and a process
// with threads cannot be forked safely.

import {
  changeInterest,
  openEpoll,
  type Ready,
  removeInterest,
  tryAddInterest,
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
  /** Tells of work that is as much as so many callbacks. */
  tire(callbacks: number): void;
  /** Calls `run` once, soon: of what takes some time one a turn, so that others come in between. */
  inTurn(run: () => void): void;
  /**
   * Runs until it is stopped, or until it is time to rest: in a pause after some work, and in the
   * middle of much. Then it is to be run again.
   * @param report is given what a callback throws
   */
  run(report: (error: unknown) => void): "stopped" | "tired";
  stop(): void;
}

/** How many callbacks are some work. A few in a long time leave nothing to tidy up. */
const WORK_SOME = 100;
const WORK_MUCH = 640;
/** At first less is much, and then twice as much: what comes to stay then lies close together. */
const WORK_FIRST = 10;
const PAUSE_MS = 100;

interface Timer {
  atMs: number;
  run(): void;
}

export function makeLoop(): Loop {
  const epoll = openEpoll();
  const watches = new Map<number, (events: number) => void>();
  /** Regular files and devices that epoll refuses: reading and writing them never waits. */
  const alwaysReady = new Map<number, Ready>();
  const timers = new Set<Timer>();
  const jobs: (() => void)[] = [];
  let isRunning = true;
  /** Callbacks since the last rest. */
  let work = 0;
  let much = WORK_FIRST;
  return {
    watch(fd, events, run) {
      if (!tryAddInterest(epoll, fd, events)) alwaysReady.set(fd, { fd, events });
      watches.set(fd, run);
    },
    change(fd, events) {
      if (alwaysReady.has(fd)) alwaysReady.set(fd, { fd, events });
      else changeInterest(epoll, fd, events);
    },
    forget(fd) {
      if (watches.delete(fd) && !alwaysReady.delete(fd)) removeInterest(epoll, fd);
    },
    after(milliseconds, run) {
      const timer = { atMs: performance.now() + milliseconds, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    inTurn: (run) => void jobs.push(run),
    tire(callbacks) {
      work += callbacks;
    },
    run(report) {
      while (isRunning) {
        const done = turn(report);
        work += done;
        if (work > (done === 0 ? WORK_SOME : much)) {
          work = 0;
          much = Math.min(WORK_MUCH, 2 * much);
          return "tired";
        }
      }
      closeFd(epoll);
      return "stopped";
    },
    stop: () => {
      isRunning = false;
    },
  };

  /** Calls back whom there is something for; returns how many. */
  function turn(report: (error: unknown) => void): number {
    const ready = [
      ...waitForInterests(epoll, alwaysReady.size + jobs.length > 0 ? 0 : untilNextMs()),
      ...alwaysReady.values(),
    ].map(({ fd, events }) => ({ fd, events, run: watches.get(fd) }));
    for (const { fd, events, run } of ready) {
      // The descriptor may be another's by now.
      if (watches.get(fd) === run) call(() => run?.(events), report);
    }
    const nowMs = performance.now();
    for (const timer of [...timers]) {
      if (timer.atMs > nowMs || !timers.delete(timer)) continue;
      call(() => timer.run(), report);
    }
    const job = jobs.shift();
    if (job !== undefined) call(job, report);
    return ready.length;
  }

  function untilNextMs(): number {
    const pauseMs = work > WORK_SOME ? PAUSE_MS : Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    // Calls may have deadlines, and there may be more of them than a function takes arguments.
    for (const { atMs } of timers) nextMs = Math.min(nextMs, atMs);
    const ms = Math.min(pauseMs, Math.max(0, Math.ceil(nextMs - performance.now())));
    return Number.isFinite(ms) ? ms : -1;
  }
}

function call(run: () => void, report: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    report(error);
  }
}
