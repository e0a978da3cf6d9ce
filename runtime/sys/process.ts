// Processes: clone, wait, signals by pidfd, sessions, limits. Who may clone is the engine's matter.

import { ECHILD, EINTR, ENOENT, ESRCH } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { readFile } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

export const CLONE_NEWTIME = 0x80;
export const CLONE_PIDFD = 0x1000;
export const CLONE_VM = 0x100;
export const CLONE_PARENT = 0x8000;
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;

export const SIGKILL = 9;
export const SIGCHLD = 17;

export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_KEEPCAPS = 8;
export const PR_CAPBSET_DROP = 24;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_SET_THP_DISABLE = 41;
export const PR_CAP_AMBIENT = 47;

/** What clone3(2) gave: the pid (0 in the child) and, in the parent, a pidfd. */
export interface Cloned {
  pid: number;
  pidfd: number;
}

export interface CloneOptions {
  /** A descriptor of the cgroup v2 that the child is born in (CLONE_INTO_CGROUP, 5.7). */
  cgroup?: number | undefined;
  /** Address of a word that has the pid before the child runs (CLONE_PARENT_SETTID). */
  pidAddress?: number;
}

/**
 * clone3(2) with CLONE_PIDFD; the child is signalled to its parent with SIGCHLD. Linux 5.3. With
 * CLONE_PARENT the kernel takes the exit signal of the caller, so none may be given.
 */
export function clone(flags: number, options: CloneOptions = {}): Cloned {
  return cloneBy((address) => syscall(NR.clone3, address, CLONE_ARGS_BYTES), flags, options);
}

/** struct clone_args */
export const CLONE_ARGS_BYTES = 88;

/** As {@link clone}, where `call` makes the system call, given the address of its arguments. */
export function cloneBy(
  call: (address: number) => number,
  flags: number,
  { cgroup, pidAddress }: CloneOptions,
): Cloned {
  const { address, bytes } = piece(CLONE_ARGS_BYTES);
  const pidfd = piece(8);
  const CLONE_PARENT_SETTID = 0x100000;
  if (pidAddress !== undefined) {
    flags |= CLONE_PARENT_SETTID;
    bytes.writeBigUInt64LE(BigInt(pidAddress), 24);
  }
  bytes.writeUInt32LE((flags | CLONE_PIDFD) >>> 0, 0);
  if (cgroup !== undefined) {
    // CLONE_INTO_CGROUP is bit 33.
    bytes.writeUInt32LE(2, 4);
    bytes.writeUInt32LE(cgroup, 80);
  }
  bytes.writeBigUInt64LE(BigInt(pidfd.address), 8);
  if ((flags & CLONE_PARENT) === 0) bytes.writeUInt32LE(SIGCHLD, 32);
  const pid = check(call(address), () => `clone3(0x${(flags >>> 0).toString(16)})`);
  return { pid, pidfd: pid === 0 ? -1 : pidfd.bytes.readInt32LE(0) };
}

/** How a process ended: its exit code, or the signal that ended it. */
export type Ending = { code: number } | { signal: number };

/** 128 + signal, as shells and runc report it. */
export function exitCodeOf(ending: Ending): number {
  return "code" in ending ? ending.code : 128 + ending.signal;
}

/** waitid(P_PIDFD, WEXITED): waits for a child and reaps it. Linux 5.4. */
export function waitFor(pidfd: number): Ending {
  const ending = wait(pidfd, 0);
  if (ending === undefined) throw new SyscallError(`waitid(P_PIDFD, ${pidfd})`, ESRCH);
  return ending;
}

/** As {@link waitFor} without waiting: undefined while the child is there. */
export function pollEnding(pidfd: number): Ending | undefined {
  const WNOHANG = 1;
  return wait(pidfd, WNOHANG);
}

function wait(pidfd: number, options: number): Ending | undefined {
  const P_PIDFD = 3;
  return waitAny(P_PIDFD, pidfd, options)?.ending;
}

function waitAny(
  type: number,
  id: number,
  options: number,
): { pid: number; ending: Ending } | undefined {
  const WEXITED = 4;
  const CLD_EXITED = 1;
  const P_ALL = 0;
  const { address, bytes } = piece(128);
  for (;;) {
    const result = syscall(NR.waitid, type, id, address, WEXITED | options, 0);
    if (result === -EINTR) continue;
    if (result === -ECHILD && type === P_ALL) return undefined;
    check(result, () => `waitid(${type}, ${id})`);
    const pid = bytes.readInt32LE(16);
    if (pid === 0) return undefined;
    const status = bytes.readInt32LE(24);
    const ending = bytes.readInt32LE(8) === CLD_EXITED ? { code: status } : { signal: status };
    return { pid, ending };
  }
}

/** Reaps every child that has ended, but for one that somebody else waits for. */
export function reapOthers(exceptPid: number): void {
  const P_ALL = 0;
  const P_PID = 1;
  const [WNOHANG, WEXITED, WNOWAIT] = [1, 4, 0x1000000];
  const { address, bytes } = piece(128);
  for (;;) {
    bytes.fill(0);
    const result = syscall(NR.waitid, P_ALL, 0, address, WEXITED | WNOHANG | WNOWAIT, 0);
    const pid = bytes.readInt32LE(16);
    if (result < 0 || pid === 0 || pid === exceptPid) return;
    syscall(NR.waitid, P_PID, pid, address, WEXITED | WNOHANG, 0);
  }
}

/** Reaps every child that has ended; false when there is no child left. */
export function reapEnded(): boolean {
  const P_ALL = 0;
  const [WNOHANG, WEXITED] = [1, 4];
  const { address, bytes } = piece(128);
  for (;;) {
    bytes.fill(0);
    const result = syscall(NR.waitid, P_ALL, 0, address, WEXITED | WNOHANG, 0);
    if (result === -ECHILD) return false;
    check(result, () => "waitid(P_ALL)");
    if (bytes.readInt32LE(16) === 0) return true;
  }
}

/** Reaps one child that has ended, if there is any. */
export function nextEnded(): { pid: number; ending: Ending } | undefined {
  const P_ALL = 0;
  const WNOHANG = 1;
  return waitAny(P_ALL, 0, WNOHANG);
}

/** Whether a process is a child of this one that has not been reaped. */
export function hasChild(pid: number): boolean {
  const P_PID = 1;
  const [WNOHANG, WEXITED, WNOWAIT] = [1, 4, 0x1000000];
  return syscall(NR.waitid, P_PID, pid, 0, WEXITED | WNOHANG | WNOWAIT, 0) >= 0;
}

/** pidfd_open(2), or undefined when there is no such process. Linux 5.3. */
export function openPidfd(pid: number): number | undefined {
  const fd = syscall(NR.pidfd_open, pid, 0);
  if (fd === -ESRCH) return undefined;
  return check(fd, () => `pidfd_open(${pid})`);
}

/**
 * pidfd_getfd(2): a copy of another process's descriptor, close-on-exec. Linux 5.6. Takes the right
 * to trace that process; returns the negative errno without.
 */
export function tryCopyFd(pidfd: number, fd: number): number {
  return syscall(NR.pidfd_getfd, pidfd, fd, 0);
}

/** pidfd_send_signal(2); returns 0 or the negative errno. */
export function trySignal(pidfd: number, signal: number): number {
  return syscall(NR.pidfd_send_signal, pidfd, signal, 0, 0);
}

/** kill(2), for process groups (negative pid); returns 0 or the negative errno. */
export function tryKill(pid: number, signal: number): number {
  return syscall(NR.kill, pid, signal);
}

/** The pid that a pidfd stands for, in the caller's pid namespace; -1 when it has been reaped. */
export function pidOf(pidfd: number): number {
  const match = /^Pid:\s*(-?\d+)/m.exec(readFile(`/proc/self/fdinfo/${pidfd}`));
  return match === null ? -1 : Number(match[1]);
}

export interface ProcessStat {
  state: string;
  /** It has begun to end: its descriptors may be closed already, its exit status is not there yet. */
  isExiting: boolean;
  /** Clock ticks since boot. */
  startTime: string;
}

/** From /proc/PID/stat (proc_pid_stat(5)); undefined if it is gone. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFile(`/proc/${pid}/stat`);
  } catch (error) {
    const gone = error instanceof SyscallError && [ENOENT, ESRCH].includes(error.errno);
    if (gone) return undefined;
    throw error;
  }
  // The command name may hold spaces and parentheses; the fields begin after the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const PF_EXITING = 4;
  return {
    state: fields[0] ?? "",
    isExiting: (Number(fields[6]) & PF_EXITING) !== 0,
    startTime: fields[19] ?? "",
  };
}

/** exit_group(2): ends this process at once, without the engine's own leave-taking. */
export function exitNow(code: number): never {
  for (;;) syscall(NR.exit_group, code);
}

export function getPid(): number {
  return syscall(NR.getpid);
}

export function getParentPid(): number {
  return syscall(NR.getppid);
}

/** prctl(2). */
export function prctl(option: number, argument: number, third = 0): void {
  check(syscall(NR.prctl, option, argument, third, 0, 0), () => `prctl(${option}, ${argument})`);
}

/** prctl(PR_SET_NAME): what ps(1) calls this process. */
export function setName(name: string): void {
  const PR_SET_NAME = 15;
  prctl(PR_SET_NAME, cstr(name));
}

/**
 * prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE): a core-scheduling cookie for this process group, which
 * children inherit. Returns 0 or the negative errno: not every kernel and machine has it. Linux 5.14.
 */
export function tryMakeCoreCookie(): number {
  const [PR_SCHED_CORE, CREATE, PIDTYPE_PGID] = [62, 1, 2];
  return syscall(NR.prctl, PR_SCHED_CORE, CREATE, 0, PIDTYPE_PGID, 0);
}

/** setsid(2): a session of its own, without a terminal. */
export function newSession(): void {
  check(syscall(NR.setsid), () => "setsid()");
}

/** setpgid(0, 0): a process group of its own. */
export function newProcessGroup(): void {
  check(syscall(NR.setpgid, 0, 0), () => "setpgid(0, 0)");
}

/** umask(2); returns the old one. */
export function setUmask(mask: number): number {
  return syscall(NR.umask, mask);
}

/** nanosleep(2). */
export function sleep(milliseconds: number): void {
  const { address, bytes } = piece(16);
  bytes.writeUInt32LE(Math.floor(milliseconds / 1000), 0);
  bytes.writeUInt32LE((milliseconds % 1000) * 1_000_000, 8);
  syscall(NR.nanosleep, address, 0);
}

export interface Limit {
  soft: bigint;
  hard: bigint;
}

/** prlimit(2) of a process, 0 for this one: sets one resource limit. */
export function setLimit(resource: number, limit: Limit, pid = 0): void {
  const { address, bytes } = piece(16);
  bytes.writeBigUInt64LE(limit.soft, 0);
  bytes.writeBigUInt64LE(limit.hard, 8);
  check(
    syscall(NR.prlimit64, pid, resource, address, 0),
    () => `prlimit(${resource}, {${limit.soft}, ${limit.hard}})`,
  );
}

/** prlimit(2) of a process, 0 for this one: reads one resource limit. */
export function getLimit(resource: number, pid = 0): Limit {
  const { address, bytes } = piece(16);
  check(syscall(NR.prlimit64, pid, resource, 0, address), () => `prlimit(${resource})`);
  return { soft: bytes.readBigUInt64LE(0), hard: bytes.readBigUInt64LE(8) };
}
