// The one file that touches koffi: raw system calls, errno, and memory that C can see.
// System calls are raw (syscall(2)) because libc's wrappers of setuid and the like signal threads,
// and because one binding costs less at start-up than fifty.

import { SyscallError } from "../errors.ts";
import { NR } from "./nr.ts";

interface Koffi {
  load(path: null): { func(name: string, result: string, args: string[]): ForeignFunction };
  view(address: bigint, length: number): ArrayBuffer;
  address(buffer: ArrayBufferView): bigint;
  proto(signature: string): unknown;
  call(address: bigint, type: unknown, ...args: number[]): unknown;
}

type ForeignFunction = (...args: (number | bigint)[]) => number | bigint;

interface Bound {
  koffi: Koffi;
  rawSyscall: ForeignFunction;
  /** koffi.errno() is wrong once /proc is gone: the allocator opens /proc/self/statm in between. */
  errno: Int32Array;
}

let bound: Bound | undefined;

/** When the first call is made: the addon takes half as long as the engine to start. */
function bind(): Bound {
  const koffi = loadAddon();
  const libc = koffi.load(null);
  const errnoAddress = libc.func("__errno_location", "size_t", [])();
  return {
    koffi,
    rawSyscall: libc.func("syscall", "long", Array(7).fill("long")),
    errno: new Int32Array(koffi.view(BigInt(errnoAddress), 4)),
  };
}

/**
 * koffi's own loader looks in many places; the addon stands beside the executable, whose link is "/"
 * on a mount of it alone (lifecycle/executable.ts): it is given its path to go by then. Programs that
 * Bun runs from source (tests, tools) take the addon that npm installed.
 */
function loadAddon(): Koffi {
  const program = process.execPath === "/" ? process.argv0 : process.execPath;
  const beside = program.slice(0, program.lastIndexOf("/"));
  const installed = `${import.meta.dir}/../../node_modules/@koromix/koffi-linux-x64/linux_x64`;
  const addon: { exports: Koffi } = { exports: {} as Koffi };
  process.dlopen(addon, `${beside.includes("node_modules") ? installed : beside}/koffi.node`);
  return addon.exports;
}

/** What a system call goes to before the kernel: the answer, or undefined to leave it to the kernel. */
export interface Deck {
  hear(nr: number, args: readonly number[]): number | undefined;
  /** In the place of machine code. */
  hearCode(address: number, argument: number): void;
}

let deck: Deck | undefined;

/** Gives the calls of `play` to somebody else; see tape.ts. */
export function withDeck(to: Deck, play: () => void): void {
  deck = to;
  try {
    play();
  } finally {
    deck = undefined;
  }
}

/** syscall(2). Returns the result, or the negative errno. */
export function syscall(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  const answer = deck?.hear(nr, [a, b, c, d, e, f]);
  return answer === undefined ? ask(nr, a, b, c, d, e, f) : answer;
}

/** As {@link syscall}, of the kernel whoever else hears them. */
export function ask(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  bound ??= bind();
  const result = Number(bound.rawSyscall(nr, a, b, c, d, e, f));
  return result === -1 ? -(bound.errno[0] ?? 0) : result;
}

/** A system call that has to succeed; `describe` words it, in strace's manner, for the error. */
export function check(result: number, describe: () => string): number {
  if (result < 0) throw new SyscallError(describe(), -result);
  return result;
}

/** Memory at an address, as bytes. Not by Buffer.from, which takes 0.2 ms when it is first called. */
export function memoryAt(address: number, length: number): Buffer<ArrayBuffer> {
  bound ??= bind();
  return new Buffer(bound.koffi.view(BigInt(address), length));
}

/** Calls machine code at an address with one pointer argument; see exec.ts. */
export function callCode(address: number, argument: number): void {
  if (deck !== undefined) {
    deck.hearCode(address, argument);
    return;
  }
  bound ??= bind();
  const { koffi } = bound;
  // The addon keeps what it is told of for ever.
  codeType ??= koffi.proto("void (size_t)");
  koffi.call(BigInt(address), codeType, argument);
}

let codeType: unknown;

export const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
export const MAP_SHARED = 0x01;
const MAP_SHARED_ANONYMOUS = 0x21;

/** mmap(2), readable and writable, private to this process (copied by fork). */
export function mapPrivate(length: number): number {
  return map(length, MAP_PRIVATE_ANONYMOUS, -1);
}

/** As {@link mapPrivate}, at that address. Linux 4.17. */
export function mapPrivateAt(address: number, length: number): void {
  const MAP_FIXED_NOREPLACE = 0x100000;
  const flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE;
  check(
    syscall(NR.mmap, address, length, PROT_READ_WRITE, flags, -1, 0),
    () => `mmap(${address}, ${length})`,
  );
}

/** mmap(2), readable and writable, shared with every process forked later. */
export function mapShared(length: number): number {
  return map(length, MAP_SHARED_ANONYMOUS, -1);
}

/** mmap(2) of a file, shared with every process that maps it. */
export function mapFile(fd: number, length: number): number {
  return map(length, MAP_SHARED, fd);
}

function map(length: number, flags: number, fd: number): number {
  return check(
    syscall(NR.mmap, 0, length, PROT_READ_WRITE, flags, fd, 0),
    () => `mmap(NULL, ${length})`,
  );
}

/** munmap(2). */
export function unmap(address: number, length: number): void {
  check(syscall(NR.munmap, address, length), () => `munmap(${length})`);
}
