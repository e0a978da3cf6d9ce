// The agent that answers SCMP_ACT_NOTIFY. It gets the listener when the container is started
// (lifecycle/listener.ts); here is what can be known of it before.

import { SyscallError } from "../errors.ts";
import { PR_SET_DUMPABLE, prctl } from "../sys/process.ts";
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

/**
 * Lets a `start` without CAP_SYS_PTRACE take the listener out of init, which it could trace but for
 * PR_SET_DUMPABLE (ptrace(2), access mode checking). Init has only the program's own rights by then.
 */
export const allowTaking = defineOp<Record<string, never>>({
  name: "listener.allow",
  print: () => "start may trace init, to take the listener",
  run: () => prctl(PR_SET_DUMPABLE, 1),
});
