// `-info`: what this runtime is and can do.

import { features } from "../../runtime/lifecycle/features.ts";
import { writeAll } from "../../runtime/sys/file.ts";
import { COMMIT, VERSION } from "../../runtime/version.ts";
import { RuntimeInfo } from "../proto/bootstrap.ts";
import { encode } from "../proto/encode.ts";

const STDOUT = 1;

export function tellInfo(): void {
  const info = encode(RuntimeInfo, {
    name: "io.containerd.runt.v2",
    version: { version: VERSION, revision: COMMIT },
    features: {
      typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/features/Features",
      value: Buffer.from(JSON.stringify(features())),
    },
  });
  writeAll(STDOUT, info);
}
