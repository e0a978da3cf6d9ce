// x32: x86-64's calls with bit 30 set, some of them under numbers of their own, some missing
// (asm/unistd_x32.h of Linux 6.1; map_shadow_stack, uretprobe and uprobe are for x86-64 alone).

import type { Arch } from "./arch.ts";
import { X86_64 } from "./x86_64.ts";

const OWN_CALLS =
  "rt_sigaction rt_sigreturn ioctl readv writev recvfrom sendmsg recvmsg execve ptrace " +
  "rt_sigpending rt_sigtimedwait rt_sigqueueinfo sigaltstack timer_create mq_notify kexec_load " +
  "waitid set_robust_list get_robust_list vmsplice move_pages preadv pwritev rt_tgsigqueueinfo " +
  "recvmmsg sendmmsg process_vm_readv process_vm_writev setsockopt getsockopt io_setup " +
  "io_submit execveat preadv2 pwritev2";

const MISSING =
  "uselib _sysctl create_module get_kernel_syms query_module nfsservctl set_thread_area " +
  "get_thread_area epoll_ctl_old epoll_wait_old vserver map_shadow_stack uretprobe uprobe";

export const X32: Arch = {
  name: "SCMP_ARCH_X32",
  audit: X86_64.audit,
  // libseccomp compares the low 32 bits, although the kernel hands over 64.
  argumentBits: 32,
  // __X32_SYSCALL_BIT, asm/unistd.h.
  firstNumber: 0x40000000,
  calls: X86_64.calls,
  elsewhere: new Set(`${OWN_CALLS} ${MISSING}`.split(" ")),
  moreCalls: `512 ${OWN_CALLS}`,
};
