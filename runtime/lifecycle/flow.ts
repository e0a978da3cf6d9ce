// One way from a descriptor to another. What cannot be written yet is kept, and nothing more is
// read until it is: whoever writes at the other end waits then, and nobody here.

import { EAGAIN } from "../errno.ts";
import { tryReadSome, tryWriteSome } from "../sys/file.ts";
import { type Interest, POLLIN, POLLOUT } from "../sys/signal.ts";

/** What pipes and sockets take without waiting once poll(2) says that they can be written (pipe(7)). */
const PART_BYTES = 4_096;

/** `ended`: nothing more comes. `broken`: nobody takes it any more. */
export interface Flow {
  from: number;
  to: number;
  /** Read and not written yet. */
  pending: Uint8Array;
  state: "open" | "ended" | "broken";
}

/** A flow in which nothing is yet. A terminal as `to` has to be non-blocking. */
export function flow(from: number, to: number): Flow {
  return { from, to, pending: Buffer.alloc(0), state: "open" };
}

/** What a flow waits for. */
export function interestOf({ from, to, pending, state }: Flow): Interest {
  if (state === "broken") return { fd: -1, events: 0 };
  if (pending.length > 0) return { fd: to, events: POLLOUT };
  return { fd: state === "open" ? from : -1, events: POLLIN };
}

/** One read or one write, whatever {@link interestOf} waits for and poll(2) has found possible. */
export function move(flow: Flow): void {
  if (flow.pending.length === 0) {
    const some = tryReadSome(flow.from, PART_BYTES);
    if (some === -EAGAIN) return;
    if (typeof some === "number" || some.length === 0) flow.state = "ended";
    else flow.pending = some;
    return;
  }
  const written = tryWriteSome(flow.to, flow.pending);
  if (written >= 0) flow.pending = flow.pending.subarray(written);
  else if (written !== -EAGAIN) flow.state = "broken";
}
