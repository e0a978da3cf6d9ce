// Our own program, out of the container's reach (CVE-2019-5736): a container can open it by
// /proc/PID/exe. So either nobody in it may write the file, or it lies on a read-only mount that
// nobody in it can change.

import { closeFd, O_PATH, open } from "../sys/file.ts";
import { effectiveCapabilities } from "../sys/identity.ts";
import { setName } from "../sys/process.ts";
import { isOnReadonlyMount, statusOf } from "../sys/status.ts";

export interface ExecutableOptions {
  environment: Readonly<Record<string, string | undefined>>;
  /** How many descriptors from 3 on are the caller's and have to survive. */
  preserveFds: number;
}

/**
 * Returns if the program is out of reach. If not, executes it again from a read-only mount, with
 * the same arguments, environment and descriptors.
 * @throws RuntimeError where no mount can be made
 */
export function requireProtectedExecutable(options: ExecutableOptions): void {
  const fd = open("/proc/self/exe", O_PATH);
  const isProtected = isOnReadonlyMount(fd) || isRootsAlone(fd);
  closeFd(fd);
  // Executed by its descriptor, the process is called by that one's number.
  if (process.execPath === "/") setName("runt");
  if (isProtected) return;
  const {
    executeProtected,
  }: typeof import("./execute-protected.ts") = require("./execute-protected.ts");
  executeProtected(options);
}

/**
 * Whether root alone may write to a file and the caller cannot become root: what maps ids for it
 * (newuidmap) maps those that root has given it.
 */
function isRootsAlone(fd: number): boolean {
  const WRITABLE_BY_OTHERS = 0o022;
  if (process.geteuid?.() === 0) return false;
  const { uid, mode } = statusOf(fd);
  return uid === 0 && (mode & WRITABLE_BY_OTHERS) === 0 && effectiveCapabilities() === 0n;
}
