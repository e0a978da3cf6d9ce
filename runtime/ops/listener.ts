// The agent that answers SCMP_ACT_NOTIFY. It gets the listener when the container is started
// (lifecycle/listener.ts); here is what can be known of it before.

import { SyscallError } from "../errors.ts";
import { tryFindStream } from "../sys/socket.ts";
import { defineOp } from "./op.ts";

/**
 * Fails `create` when there is no agent. It does not connect: agents expect one state from each
 * connection (config-linux.md#seccomp), and many wait for it before they accept the next.
 */
export const checkListener = defineOp<{ path: string }>({
  name: "listener.check",
  print: ({ path }) => path,
  run: ({ path }) => {
    const result = tryFindStream(path);
    if (result < 0) throw new SyscallError(`connect("${path}")`, -result);
  },
});
