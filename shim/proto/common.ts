// Messages that all the others are made of: google.protobuf and containerd.types.

import { many, message, one } from "./message.ts";

export const Empty = message("google.protobuf.Empty", {});

export const Timestamp = message("google.protobuf.Timestamp", {
  seconds: one(1, "int64"),
  nanos: one(2, "int32"),
});

/** A message of any type; containerd's type URLs are bare names, and some values are JSON. */
export const Any = message("google.protobuf.Any", {
  typeUrl: one(1, "string"),
  value: one(2, "bytes"),
});

export const Mount = message("containerd.types.Mount", {
  type: one(1, "string"),
  source: one(2, "string"),
  target: one(3, "string"),
  options: many(4, "string"),
});
