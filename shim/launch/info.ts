// `-info`: what this runtime is and can do.

import { featuresWith } from "../../runtime/lifecycle/features.ts";
import { printBytes } from "../../runtime/print.ts";
import { COMMIT, VERSION } from "../../runtime/version.ts";
import { RuntimeInfo } from "../proto/bootstrap.ts";
import { encode } from "../proto/encode.ts";

/** Without what takes system calls to find out: the first one costs as much as all of this. */
export function tellInfo(): void {
  const info = encode(RuntimeInfo, {
    name: "io.containerd.runt.v2",
    version: { version: VERSION, revision: COMMIT },
    features: {
      typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/features/Features",
      value: Buffer.from(JSON.stringify(featuresWith({}))),
    },
  });
  printBytes(info);
}
