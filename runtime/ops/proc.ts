// A procfs of our own, that no one can mount over: writes to /proc go through it alone
// (CVE-2019-16884, CVE-2025-52881), and so do paths that have to mean an opened object.

import { EPERM } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_DIRECTORY, O_NOFOLLOW, O_PATH, open } from "../sys/file.ts";
import { fsconfigCreate, fsmount, fsopen } from "../sys/mount.ts";
import { statusOf } from "../sys/status.ts";
import { isProcfs } from "./proc-guard.ts";

/** PROC_ROOT_INO of linux/proc_fs.h: the root of a procfs, and nothing below it. */
const PROC_ROOT_INODE = 1n;

/**
 * A detached procfs of the current pid namespace (fsopen(2), Linux 5.2); where the kernel refuses a
 * new one, to an ordinary user or because of a user namespace whose view of /proc is covered, the one
 * that is there.
 */
export function openProc(): number {
  try {
    return makeProc();
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== EPERM) throw error;
    return openMountedProc();
  }
}

function makeProc(): number {
  const context = fsopen("proc");
  try {
    fsconfigCreate(context);
    return fsmount(context, 0);
  } finally {
    closeFd(context);
  }
}

function openMountedProc(): number {
  const fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (isProcfs(fd) && statusOf(fd).inode === PROC_ROOT_INODE) return fd;
  closeFd(fd);
  throw new RuntimeError("/proc is not the root of a procfs");
}
