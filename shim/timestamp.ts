// Moments as protobuf has them.

import type { Timestamp } from "./proto/common.ts";
import type { ValueOf } from "./proto/message.ts";

export type Moment = ValueOf<typeof Timestamp>;

const NANOS = 1_000_000_000n;
const MILLI = 1_000_000n;

/** By the wall clock, the moment that the engine's nanoseconds count from. */
let origin = 0n;

/** Now, by the wall clock, and finer than the milliseconds in which the engine tells that. */
export function timestampNow(): Moment {
  const wall = BigInt(Date.now()) * MILLI;
  const since = BigInt(Bun.nanoseconds());
  const ahead = origin + since - wall;
  // The first time, when the clock was set, or when it shows that we are behind it.
  if (ahead < 0n || ahead > 2n * MILLI) origin = wall - since;
  const now = origin + since;
  return { seconds: now / NANOS, nanos: Number(now % NANOS) };
}
