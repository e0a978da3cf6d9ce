// What a shim does when it rests: it gives back the memory that it does not need.

import type { Children } from "./children.ts";
import type { Loop } from "./loop.ts";

/**
 * Tidies up, and calls `serve` when this call, and all that have led to it, are over. The engine lets
 * a heap grow to several times of what is in use; what is free then its allocator gives back when the
 * engine's own loop turns, and waits, if only for a timer.
 */
export function tidyUp(loop: Loop, children: Children, serve: () => void): void {
  Bun.gc(true);
  // Nothing is blocked meanwhile: signals that have come are taken before, those that come then are
  // caught (sys/caught-signals.ts), and an end that is told of then is seen afterwards.
  loop.after(0, children.look);
  children.look();
  setTimeout(serve);
}
