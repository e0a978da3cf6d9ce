// What containerd says on the standard input of `start`: nothing, the runtime's options, or from
// 2.3 on parameters that have the options among them.

import { RuntimeError } from "../../runtime/errors.ts";
import { BootstrapParams } from "../proto/bootstrap.ts";
import { Any } from "../proto/common.ts";
import { DecodeError, decode } from "../proto/decode.ts";
import type { ValueOf } from "../proto/message.ts";

export interface Parameters {
  /** Whether it was containerd 2.3 or later. */
  isBootstrap: boolean;
  /** The runtime's options, of whatever type. */
  options: readonly ValueOf<typeof Any>[];
  /** Where containerd takes events; "" when it does not say. */
  ttrpcAddress: string;
  /** Where sockets of shims go; "" for the usual place. */
  socketDirectory: string;
  debug: boolean;
}

/**
 * Reads what came on standard input. Both messages begin with a string and bytes: parameters are
 * told by the id and the namespace, which the command line has as well.
 * @throws RuntimeError when it is neither
 */
export function parametersFrom(
  input: Uint8Array,
  { id, namespace }: { id: string; namespace: string },
): Parameters {
  const bootstrap = tryDecodeBootstrap(input);
  if (bootstrap?.instanceId === id && bootstrap.namespace === namespace) {
    return {
      isBootstrap: true,
      options: bootstrap.extensions.flatMap(({ value }) => value ?? []),
      ttrpcAddress: bootstrap.containerdTtrpcAddress,
      socketDirectory: bootstrap.socketDir,
      debug: bootstrap.logLevel < 0,
    };
  }
  return {
    isBootstrap: false,
    options: input.length === 0 ? [] : [decodeOptions(input)],
    ttrpcAddress: "",
    socketDirectory: "",
    debug: false,
  };
}

function decodeOptions(input: Uint8Array): ValueOf<typeof Any> {
  try {
    return decode(Any, input);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new RuntimeError(
      `standard input is neither empty, nor the runtime's options, nor containerd's parameters: ${error.message}`,
    );
  }
}

function tryDecodeBootstrap(input: Uint8Array): ValueOf<typeof BootstrapParams> | undefined {
  try {
    return decode(BootstrapParams, input);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}
