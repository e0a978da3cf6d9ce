// System call numbers by architecture. From 424 up they are the same everywhere.
// Source: asm/unistd_64.h (x86_64), asm-generic/unistd.h (aarch64).

const X86_64 = {
  read: 0, write: 1, close: 3, mmap: 9, mprotect: 10, munmap: 11, ioctl: 16, pipe2: 293,
  getpid: 39, socket: 41, connect: 42, sendmsg: 46, recvmsg: 47, bind: 49, listen: 50,
  socketpair: 53, fcntl: 72, flock: 73, ftruncate: 77, getcwd: 79, chdir: 80, fchdir: 81,
  umask: 95, getppid: 110, setsid: 112, setgroups: 116, setresuid: 117, setresgid: 119, setpgid: 109,
  capset: 126, statfs: 137, fstatfs: 138, prctl: 157, chroot: 161, mount: 165, umount2: 166,
  pivot_root: 155, sethostname: 170, setdomainname: 171, execve: 59, waitid: 247, kill: 62,
  openat: 257, mkdirat: 258, mknodat: 259, fchownat: 260, unlinkat: 263, symlinkat: 266,
  readlinkat: 267, fchmodat: 268, unshare: 272, accept4: 288, dup3: 292, signalfd4: 289,
  prlimit64: 302, setns: 308, seccomp: 317, memfd_create: 319, statx: 332, ppoll: 271,
  exit_group: 231, rt_sigaction: 13, rt_sigprocmask: 14, keyctl: 250, nanosleep: 35, lseek: 8,
  renameat2: 316, getdents64: 217, fchmod: 91, fchown: 93, linkat: 265,
} as const;

type Name = keyof typeof X86_64;

const AARCH64: Record<Name, number> = {
  read: 63, write: 64, close: 57, mmap: 222, mprotect: 226, munmap: 215, ioctl: 29, pipe2: 59,
  getpid: 172, socket: 198, connect: 203, sendmsg: 211, recvmsg: 212, bind: 200, listen: 201,
  socketpair: 199, fcntl: 25, flock: 32, ftruncate: 46, getcwd: 17, chdir: 49, fchdir: 50,
  umask: 166, getppid: 173, setsid: 157, setgroups: 159, setresuid: 147, setresgid: 149, setpgid: 154,
  capset: 91, statfs: 43, fstatfs: 44, prctl: 167, chroot: 51, mount: 40, umount2: 39,
  pivot_root: 41, sethostname: 161, setdomainname: 162, execve: 221, waitid: 95, kill: 129,
  openat: 56, mkdirat: 34, mknodat: 33, fchownat: 54, unlinkat: 35, symlinkat: 36,
  readlinkat: 78, fchmodat: 53, unshare: 97, accept4: 242, dup3: 24, signalfd4: 74,
  prlimit64: 261, setns: 268, seccomp: 277, memfd_create: 279, statx: 291, ppoll: 73,
  exit_group: 94, rt_sigaction: 134, rt_sigprocmask: 135, keyctl: 219, nanosleep: 101, lseek: 62,
  renameat2: 276, getdents64: 61, fchmod: 52, fchown: 55, linkat: 37,
};

const EVERYWHERE = {
  pidfd_send_signal: 424, open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431,
  fsmount: 432, pidfd_open: 434, clone3: 435, close_range: 436, openat2: 437, pidfd_getfd: 438,
  faccessat2: 439, mount_setattr: 442,
} as const;

/** Numbers of this machine. */
export const NR = { ...(process.arch === "arm64" ? AARCH64 : X86_64), ...EVERYWHERE };
