// How long the host of a plan waits for the others, who may be frozen with the container.

import { RuntimeError } from "../errors.ts";
import { nextSignal, POLLIN, poll } from "../sys/signal.ts";

export interface Until {
  /** Time since the program started; undefined: no limit. */
  deadlineMs: number | undefined;
  /** A signalfd; any signal of it calls it off. */
  signals: number;
}

/** The host does not wait any longer. */
export class CalledOff extends RuntimeError {
  override name = "CalledOff";
}

/**
 * Waits until something comes.
 *
 * @param isBegun whether signals are for the program from here on, and call nothing off
 * @throws CalledOff unless it comes in time
 */
export function awaitUntil(
  fd: number,
  { deadlineMs, signals }: Until,
  isBegun: () => boolean,
): void {
  for (;;) {
    const watched = isBegun() ? -1 : signals;
    const leftMs = deadlineMs && Math.max(deadlineMs - performance.now(), 0);
    const interests = [fd, watched].map((one) => ({ fd: one, events: POLLIN }));
    const [ready = 0, signalled = 0] = poll(interests, leftMs);
    if (ready !== 0) return;
    if (signalled === 0) throw new CalledOff("it was not executed in time");
    if (isBegun()) continue;
    throw new CalledOff(`called off by signal ${nextSignal(signals)}`);
  }
}
