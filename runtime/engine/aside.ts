// What is called aside; see sys/aside.ts.

import { type Aside, type AsideCall, callAside } from "../sys/aside.ts";
import { requireOneThread } from "./one-thread.ts";

/** Makes calls in a process of their own. The caller reaps it. */
export function aside(calls: readonly AsideCall[]): Aside {
  requireOneThread();
  return callAside(calls);
}
