// A fork that does one piece of work and ends: how a process that serves others does what may block.

import { type Cloned, clone, exitNow } from "../sys/process.ts";
import { requireOneThread } from "./one-thread.ts";

/** Forks a child that does `work` and ends; what it throws is exit code 1. The caller reaps it. */
export function fork(work: () => void): Cloned {
  requireOneThread();
  const cloned = clone(0);
  if (cloned.pid !== 0) return cloned;
  try {
    work();
  } catch {
    // Whoever has a way to tell it has told it already.
    exitNow(1);
  }
  exitNow(0);
}
