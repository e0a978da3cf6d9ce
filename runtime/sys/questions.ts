// Questions to the kernel: calls with arguments that it has to refuse, so that nothing happens and
// the errno tells whether the call is known. `unshare` alone does what it says, to this process.

import { syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";

/** Flags that no call knows. */
const UNKNOWN = 0x7fff0000;

const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_GET_ACTION_AVAIL = 2;

const KEYCTL_GET_KEYRING_ID = 0;
const KEY_SPEC_SESSION_KEYRING = -3;

/** System calls by name, each with what a kernel that knows it answers without doing anything. */
export const CALLS = {
  clone3: () => syscall(NR.clone3, 0, 0),
  pidfd_open: () => syscall(NR.pidfd_open, -1, 0),
  pidfd_send_signal: () => syscall(NR.pidfd_send_signal, -1, 0, 0, UNKNOWN),
  pidfd_getfd: () => syscall(NR.pidfd_getfd, -1, 0, UNKNOWN),
  openat2: () => syscall(NR.openat2, -1, 0, 0, 0),
  close_range: () => syscall(NR.close_range, 2, 1, 0),
  faccessat2: () => syscall(NR.faccessat2, -1, 0, UNKNOWN, UNKNOWN),
  statx: () => syscall(NR.statx, -1, 0, UNKNOWN, -1, 0),
  memfd_create: () => syscall(NR.memfd_create, 0, UNKNOWN),
  open_tree: () => syscall(NR.open_tree, -1, 0, UNKNOWN),
  mount_setattr: () => syscall(NR.mount_setattr, -1, 0, UNKNOWN, 0, 0),
  move_mount: () => syscall(NR.move_mount, -1, 0, -1, 0, UNKNOWN),
  fsopen: () => syscall(NR.fsopen, 0, UNKNOWN),
  fsconfig: () => syscall(NR.fsconfig, -1, 0, 0, 0, 0),
  fsmount: () => syscall(NR.fsmount, -1, UNKNOWN, UNKNOWN),
  keyctl: () => syscall(NR.keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0),
} as const satisfies Readonly<Record<string, () => number>>;

export type CallName = keyof typeof CALLS;

/** seccomp(SECCOMP_GET_ACTION_AVAIL): 0, or the negative errno for an unknown action. 4.14. */
export function askForAction(action: number): number {
  const { address, bytes } = piece(4);
  bytes.writeUInt32LE(action, 0);
  return syscall(NR.seccomp, SECCOMP_GET_ACTION_AVAIL, 0, address);
}

/** seccomp(SECCOMP_SET_MODE_FILTER) without a filter: -EFAULT where the flags are known. 3.17. */
export function askForFilterFlags(flags: number): number {
  return syscall(NR.seccomp, SECCOMP_SET_MODE_FILTER, flags, 0);
}
