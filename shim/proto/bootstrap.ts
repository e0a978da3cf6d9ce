// containerd.runtime.bootstrap.v1: what containerd 2.3 and later give a shim on its standard input,
// and what they read from its output. And containerd.types.RuntimeInfo, the answer to -info.

import { Any } from "./common.ts";
import { many, message, one } from "./message.ts";

const Extension = message("containerd.runtime.bootstrap.v1.Extension", {
  value: one(1, Any),
});

export const BootstrapParams = message("containerd.runtime.bootstrap.v1.BootstrapParams", {
  instanceId: one(1, "string"),
  namespace: one(2, "string"),
  /** INFO is 0, less severe is negative. */
  logLevel: one(3, "enum"),
  containerdVersion: one(4, "string"),
  containerdTtrpcAddress: one(5, "string"),
  containerdGrpcAddress: one(6, "string"),
  containerdBinary: one(7, "string"),
  extensions: many(8, Extension),
  socketDir: one(9, "string"),
});

export const BootstrapResult = message("containerd.runtime.bootstrap.v1.BootstrapResult", {
  version: one(1, "int32"),
  address: one(2, "string"),
  protocol: one(3, "string"),
});

const RuntimeVersion = message("containerd.types.RuntimeVersion", {
  version: one(1, "string"),
  revision: one(2, "string"),
});

const Annotation = message("containerd.types.RuntimeInfo.AnnotationsEntry", {
  key: one(1, "string"),
  value: one(2, "string"),
});

export const RuntimeInfo = message("containerd.types.RuntimeInfo", {
  name: one(1, "string"),
  version: one(2, RuntimeVersion),
  options: one(3, Any),
  features: one(4, Any),
  annotations: many(5, Annotation),
});
