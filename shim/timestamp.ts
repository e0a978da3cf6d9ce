// Moments as protobuf has them.

import type { Timestamp } from "./proto/common.ts";
import type { ValueOf } from "./proto/message.ts";

export type Moment = ValueOf<typeof Timestamp>;

/** Now, by the wall clock. */
export function timestampNow(): Moment {
  const nowMs = Date.now();
  return { seconds: BigInt(Math.floor(nowMs / 1000)), nanos: (nowMs % 1000) * 1_000_000 };
}
