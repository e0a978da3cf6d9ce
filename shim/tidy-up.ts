// What a shim does when it rests: it gives back the memory that it does not need.

import { forgetCode } from "../runtime/sys/code.ts";
import type { Children } from "./children.ts";
import type { Loop } from "./loop.ts";

/** When how the shim was started is over, and when its first container has been made and used. */
const THOROUGH_AT_FIRST = [2, 6];
/** Of so many rests one is thorough later. */
const RESTS = 64;

/**
 * Makes what tidies up, and calls `serve` when that call, and all that have led to it, are over. The
 * engine lets a heap grow to several times of what is in use; what is free then its allocator gives
 * back when the engine's own loop turns, and waits, if only for a timer.
 */
export function makeTidyUp(loop: Loop, children: Children): (serve: () => void) => void {
  let rests = 0;
  return (serve) => {
    rests++;
    const isThorough = THOROUGH_AT_FIRST.includes(rests) || rests % RESTS === 0;
    // Bytecode that has been prepared for execution, of which much is never executed again: what is
    // needed is prepared again, which takes some milliseconds.
    if (isThorough) Bun.shrink();
    else Bun.gc(true);
    forgetCode();
    // Nothing is blocked meanwhile: signals that have come are taken before, those that come then are
    // caught (sys/caught-signals.ts), and an end that is told of then is seen afterwards.
    loop.after(0, children.look);
    children.look();
    // Bytecode goes when all calls are left, and what that frees at the next turn.
    setTimeout(isThorough ? () => setTimeout(serve) : serve);
  };
}
