// x32: x86-64's calls with bit 30 set, some of them under numbers of their own, some missing
// (asm/unistd_x32.h of Linux 6.1; map_shadow_stack, uretprobe and uprobe are for x86-64 alone).

import type { Arch } from "./arch.ts";
import { callTable } from "./call-table.ts";
import { X86_64 } from "./x86_64.ts";

/** __X32_SYSCALL_BIT, asm/unistd.h. */
const X32_SYSCALL_BIT = 0x40000000;

const ownNumberOf = callTable(
  "512 rt_sigaction rt_sigreturn ioctl readv writev recvfrom sendmsg recvmsg execve ptrace " +
    "rt_sigpending rt_sigtimedwait rt_sigqueueinfo sigaltstack timer_create mq_notify kexec_load " +
    "waitid set_robust_list get_robust_list vmsplice move_pages preadv pwritev rt_tgsigqueueinfo " +
    "recvmmsg sendmmsg process_vm_readv process_vm_writev setsockopt getsockopt io_setup " +
    "io_submit execveat preadv2 pwritev2",
);

const MISSING = new Set([
  "uselib",
  "_sysctl",
  "create_module",
  "get_kernel_syms",
  "query_module",
  "nfsservctl",
  "set_thread_area",
  "get_thread_area",
  "epoll_ctl_old",
  "epoll_wait_old",
  "vserver",
  "map_shadow_stack",
  "uretprobe",
  "uprobe",
]);

export const X32: Arch = {
  name: "SCMP_ARCH_X32",
  audit: X86_64.audit,
  // libseccomp compares the low 32 bits, although the kernel hands over 64.
  argumentBits: 32,
  firstNumber: X32_SYSCALL_BIT,
  numberOf(name) {
    const number = ownNumberOf(name) ?? X86_64.numberOf(name);
    if (number === undefined || MISSING.has(name)) return undefined;
    return X32_SYSCALL_BIT + number;
  },
};
