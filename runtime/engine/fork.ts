// Forks: one that does one piece of work and ends, which is how a process that serves others does what
// may block; and one that lives on.

import { type Cloned, clone, exitNow } from "../sys/process.ts";
import { requireOneThread } from "./one-thread.ts";

/** Forks a child that does `work` and ends; what it throws is exit code 1. The caller reaps it. */
export function fork(work: () => void): Cloned {
  const cloned = forkOff();
  if (cloned.pid !== 0) return cloned;
  try {
    work();
  } catch {
    // Whoever has a way to tell it has told it already.
    exitNow(1);
  }
  exitNow(0);
}

/** fork(2): the child, for which the pid is 0, goes on as its parent does. */
export function forkOff(): Cloned {
  requireOneThread();
  return clone(0);
}
