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

/** @throws CalledOff unless something comes in time */
export function awaitUntil(fd: number, { deadlineMs, signals }: Until): void {
  const left = deadlineMs === undefined ? undefined : deadlineMs - performance.now();
  const interests = [fd, signals].map((one) => ({ fd: one, events: POLLIN }));
  const [ready = 0, signalled = 0] = poll(interests, left && Math.max(left, 0));
  if (ready !== 0) return;
  if (signalled === 0) throw new CalledOff("it was not executed in time");
  throw new CalledOff(`called off by signal ${nextSignal(signals)}`);
}
