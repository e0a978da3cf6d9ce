// What `start` prints, and every version of containerd understands.

import { BootstrapResult } from "../proto/bootstrap.ts";
import { encode } from "../proto/encode.ts";

export interface Asker {
  /** Whether standard input had the parameters of containerd 2.3 and later. */
  isBootstrap: boolean;
  /** MAX_SHIM_VERSION of the environment: 1.7 and later set it, to 2 whatever they can do. */
  maxShimVersion: string | undefined;
}

/**
 * The reply. 1.6 takes an address alone. 1.7 refuses a version above 2, and 2.0 to 2.2 cannot be
 * told from it: they get version 2, and start the shim for each container of a pod.
 */
export function replyTo({ isBootstrap, maxShimVersion }: Asker, address: string): Buffer {
  if (isBootstrap) return encode(BootstrapResult, { version: 3, address, protocol: "ttrpc" });
  if (maxShimVersion === undefined) return Buffer.from(address);
  return Buffer.from(JSON.stringify({ version: 2, address, protocol: "ttrpc" }));
}
