// The environment that the runtime sees, and hooks with it.

import type { Environment } from "../launch/start.ts";

/** What is meant for containerd, which a shim inherits from it, is not for containers. */
const FOREIGN = ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

export function runtimeEnvironment(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !FOREIGN.includes(name)),
  );
}
