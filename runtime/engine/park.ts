// A child that only waits: what it was cloned with can be looked at, opened and written to by pid.

import { closeFd } from "../sys/file.ts";
import {
  clone,
  exitNow,
  getParentPid,
  getPid,
  PR_SET_PDEATHSIG,
  prctl,
  SIGKILL,
  trySignal,
  waitFor,
} from "../sys/process.ts";
import { poll } from "../sys/signal.ts";

/**
 * Clones a child with the CLONE_NEW* flags given, calls `use` with its pid, and ends it again,
 * whatever happens.
 */
export function withParkedChild(flags: number, use: (pid: number) => void): void {
  const parent = getPid();
  const { pid, pidfd } = clone(flags);
  if (pid === 0) park(parent);
  try {
    use(pid);
  } finally {
    trySignal(pidfd, SIGKILL);
    waitFor(pidfd);
    closeFd(pidfd);
  }
}

function park(parent: number): never {
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may be gone already, and nobody would tell. 0 is one in another pid namespace.
    if (![parent, 0].includes(getParentPid())) exitNow(0);
    poll([]);
  } catch {
    // Nothing but the end is left; the parent sees it when it looks for the pid.
    exitNow(1);
  }
  exitNow(0);
}
