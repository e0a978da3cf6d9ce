// What stands in the frames of ttrpc.

import { Any } from "./common.ts";
import { many, message, one } from "./message.ts";

const KeyValue = message("ttrpc.KeyValue", {
  key: one(1, "string"),
  value: one(2, "string"),
});

export const Request = message("ttrpc.Request", {
  service: one(1, "string"),
  method: one(2, "string"),
  payload: one(3, "bytes"),
  timeoutNano: one(4, "int64"),
  metadata: many(5, KeyValue),
});

export const Status = message("google.rpc.Status", {
  code: one(1, "int32"),
  message: one(2, "string"),
  details: many(3, Any),
});

export const Response = message("ttrpc.Response", {
  status: one(1, Status),
  payload: one(2, "bytes"),
});
