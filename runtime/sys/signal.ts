// Signals: dispositions and mask as a program expects them, signalfd, and waiting on descriptors.

import { EINTR } from "../errno.ts";
import { O_CLOEXEC, readFile } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";

const SIGKILL = 9;
const SIGSTOP = 19;
export const SIGPIPE = 13;
export const SIGCONT = 18;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGWINCH = 28;

const SIGNAL_MAX = 64;
const SIG_SETMASK = 2;
const EVERYTHING = 0xffffffffffffffffn;

/** Signals that may not have their default action in this process; undefined as long as all may. */
let changed: readonly number[] | undefined;

/** Finds out which signals {@link resetSignals} has to do with, in what this process makes too. */
export function learnSignals(): void {
  if (changed !== undefined) return;
  const status = readFile("/proc/self/status");
  const maskOf = (name: string): bigint =>
    BigInt(`0x${new RegExp(`^${name}:\\s*(.+)$`, "m").exec(status)?.[1]}`);
  changed = signalsIn(maskOf("SigIgn") | maskOf("SigCgt"));
}

function signalsIn(mask: bigint): number[] {
  const signals: number[] = [];
  for (let signal = 1; signal <= SIGNAL_MAX; signal++) {
    const isIn = ((mask >> BigInt(signal - 1)) & 1n) === 1n;
    if (isIn && signal !== SIGKILL && signal !== SIGSTOP) signals.push(signal);
  }
  return signals;
}

/**
 * Every signal to its default action and none blocked, as execve(2) hands them on. The engine
 * ignores SIGPIPE and SIGXFSZ, which a program would inherit.
 */
export function resetSignals(): void {
  const action = piece(32);
  for (const signal of changed ?? signalsIn(EVERYTHING)) {
    syscall(NR.rt_sigaction, signal, action.address, 0, 8);
  }
  setMask(0n);
}

/** As a process wants it that does not read its signals from a descriptor, as its maker does. */
export function unblockSignals(): void {
  setMask(0n);
}

/** Signals that this process ignores (proc_pid_status(5)). */
export function ignoredSignals(): ReadonlySet<number> {
  const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFile("/proc/self/status")) ?? [];
  const bits = BigInt(`0x${mask}`);
  const signals = new Set<number>();
  for (let signal = 1; signal <= SIGNAL_MAX; signal++) {
    if ((bits >> BigInt(signal - 1)) % 2n === 1n) signals.add(signal);
  }
  return signals;
}

/** rt_sigprocmask(SIG_SETMASK). */
function setMask(mask: bigint): void {
  const { address, bytes } = piece(8);
  bytes.writeBigUInt64LE(mask, 0);
  check(syscall(NR.rt_sigprocmask, SIG_SETMASK, address, 0, 8), () => "rt_sigprocmask()");
}

/** Calls with all signals blocked but one, and with all of them blocked after it. */
export function letThrough<Result>(signal: number, call: () => Result): Result {
  setMask(EVERYTHING & ~(1n << BigInt(signal - 1)));
  try {
    return call();
  } finally {
    setMask(EVERYTHING);
  }
}

/** Blocks every signal that can be, and gives a signalfd(2) that reads them. */
export function openSignalFd(): number {
  setMask(EVERYTHING);
  return signalFdOf(EVERYTHING);
}

/** A signalfd(2) of those blocked signals that end a program: SIGHUP, SIGINT, SIGQUIT, SIGTERM. */
export function openEndingSignalFd(): number {
  return signalFdOf([1, 2, 3, 15].reduce((mask, signal) => mask | (1n << BigInt(signal - 1)), 0n));
}

function signalFdOf(mask: bigint): number {
  const { address, bytes } = piece(8);
  bytes.writeBigUInt64LE(mask, 0);
  const SFD_NONBLOCK = 0o4000;
  return check(
    syscall(NR.signalfd4, -1, address, 8, O_CLOEXEC | SFD_NONBLOCK),
    () => "signalfd4()",
  );
}

/** The next pending signal of a signalfd, or undefined. */
export function nextSignal(fd: number): number | undefined {
  const { address, bytes } = piece(128);
  const result = syscall(NR.read, fd, address, 128);
  return result === 128 ? bytes.readUInt32LE(0) : undefined;
}

export const POLLIN = 1;
export const POLLOUT = 4;

/** What to wait for on a descriptor. */
export interface Interest {
  fd: number;
  events: number;
}

/**
 * ppoll(2). Returns the events of each descriptor in order; all zero when `timeoutMs` has passed.
 * Without `timeoutMs` it waits for ever.
 */
export function poll(interests: readonly Interest[], timeoutMs?: number): number[] {
  const fds = piece(interests.length * 8);
  for (const [index, { fd, events }] of interests.entries()) {
    fds.bytes.writeInt32LE(fd, index * 8);
    fds.bytes.writeInt16LE(events, index * 8 + 4);
  }
  const deadlineMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  for (;;) {
    const result = syscall(
      NR.ppoll,
      fds.address,
      interests.length,
      deadlineMs === undefined ? 0 : timespec(Math.max(deadlineMs - performance.now(), 0)),
      0,
      8,
    );
    if (result === -EINTR) continue;
    check(result, () => `ppoll(${interests.length})`);
    return interests.map((_, index) => fds.bytes.readInt16LE(index * 8 + 6));
  }
}

function timespec(milliseconds: number): number {
  const { address, bytes } = piece(16);
  bytes.writeUInt32LE(Math.floor(milliseconds / 1000), 0);
  bytes.writeUInt32LE(Math.floor((milliseconds % 1000) * 1_000_000), 8);
  return address;
}
