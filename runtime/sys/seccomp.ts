// What the kernel knows of seccomp(2). Filters are loaded in exec.ts.

import { EFAULT } from "../errno.ts";
import { syscall } from "./libc.ts";
import { NR } from "./nr.ts";

/** SECCOMP_FILTER_FLAG_* that the kernel takes, up to the newest that we know (linux/seccomp.h). */
export function seccompFlags(): number {
  const SECCOMP_SET_MODE_FILTER = 1;
  const NEW_LISTENER = 1 << 3;
  const WAIT_KILLABLE_RECV = 1 << 5;
  let flags = 0;
  for (let flag = 1; flag <= WAIT_KILLABLE_RECV; flag <<= 1) {
    // Without a program: a flag that is known gets as far as EFAULT, another one is EINVAL.
    const asked = flag === WAIT_KILLABLE_RECV ? flag | NEW_LISTENER : flag;
    if (syscall(NR.seccomp, SECCOMP_SET_MODE_FILTER, asked, 0) === -EFAULT) flags |= flag;
  }
  return flags;
}
