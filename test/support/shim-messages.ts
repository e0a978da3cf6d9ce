// All messages of the shim's tables, those within others as well.

import * as bootstrap from "../../shim/proto/bootstrap.ts";
import * as common from "../../shim/proto/common.ts";
import { EVENTS, ForwardRequest } from "../../shim/proto/events.ts";
import type { Message } from "../../shim/proto/message.ts";
import { MetricsV1 } from "../../shim/proto/metrics-v1.ts";
import { MetricsV2 } from "../../shim/proto/metrics-v2.ts";
import * as options from "../../shim/proto/options.ts";
import { ProcessDetails, TASK } from "../../shim/proto/task.ts";
import * as ttrpc from "../../shim/proto/ttrpc.ts";

/** By name, in no order. */
export const MESSAGES: ReadonlyMap<string, Message> = new Map(
  [
    ...Object.values(bootstrap),
    ...Object.values(common),
    ...Object.values(EVENTS),
    ...Object.values(options),
    ...Object.values(TASK).flatMap(({ request, response }) => [request, response]),
    ...Object.values(ttrpc),
    ForwardRequest,
    MetricsV1,
    MetricsV2,
    ProcessDetails,
  ]
    .flatMap(withInner)
    .map((type) => [type.name, type]),
);

function withInner(type: Message): Message[] {
  const inner = Object.values(type.fields).flatMap(({ kind }) =>
    typeof kind === "string" ? [] : withInner(kind),
  );
  return [type, ...inner];
}
