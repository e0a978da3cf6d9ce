// What runtimes are configured with: runc's options, which Docker and ctr send, and those of any
// other runtime, which are a TOML table as text or a path to one.

import { message, one } from "./message.ts";

export const RuncOptions = message("containerd.runc.v1.Options", {
  noPivotRoot: one(1, "bool"),
  noNewKeyring: one(2, "bool"),
  shimCgroup: one(3, "string"),
  ioUid: one(4, "uint32"),
  ioGid: one(5, "uint32"),
  binaryName: one(6, "string"),
  root: one(7, "string"),
  criuPath: one(8, "string"),
  systemdCgroup: one(9, "bool"),
});

export const RuntimeOptions = message("runtimeoptions.v1.Options", {
  typeUrl: one(1, "string"),
  configPath: one(2, "string"),
  configBody: one(3, "bytes"),
});
