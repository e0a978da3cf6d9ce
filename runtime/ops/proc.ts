// A procfs of our own, that no one can mount over: writes to /proc go through it alone
// (CVE-2019-16884, CVE-2025-52881), and so do paths that have to mean an opened object.

import { closeFd } from "../sys/file.ts";
import { fsconfigCreate, fsmount, fsopen } from "../sys/mount.ts";

/** A detached procfs of the current pid namespace. fsopen(2), Linux 5.2. */
export function openProc(): number {
  const context = fsopen("proc");
  fsconfigCreate(context);
  const mounted = fsmount(context, 0);
  closeFd(context);
  return mounted;
}
