// The one file that touches the addon (addon/code.ts): raw system calls, and memory that C can see.
// They are raw, without libc, because libc's wrappers of setuid and the like signal threads.

import { SyscallError } from "../errors.ts";
import { NR } from "./nr.ts";

/** A system call by its number, or one of the two numbers below; always with all seven. */
interface Native {
  (view: typeof VIEW, address: number, length: number, ...unused: Unused): ArrayBuffer;
  (call: typeof CALL, address: number, argument: number, ...unused: Unused): number;
  (nr: number, a: number, b: number, c: number, d: number, e: number, f: number): number;
}

type Unused = [number, number, number, number];

// As in addon/code.ts.
const CALL = -1;
const VIEW = -2;

// The addon stands beside the executable, whose link is "/" on a mount of it alone
// (lifecycle/executable.ts): it is given its path to go by then. Programs that Bun runs from source
// (tests, tools) take the one that was built.
const program = process.execPath === "/" ? process.argv0 : process.execPath;
const beside = program.slice(0, program.lastIndexOf("/"));
const built = `${import.meta.dir}/../../build/libexec`;
const addon: { exports: Native } = { exports: {} as Native };
process.dlopen(addon, `${beside.includes("node_modules") ? built : beside}/runt.node`);
const native = addon.exports;

/** A system call. Returns the result, or the negative errno. */
export function syscall(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  return native(nr, a, b, c, d, e, f);
}

/** A system call that has to succeed; `describe` words it, in strace's manner, for the error. */
export function check(result: number, describe: () => string): number {
  if (result < 0) throw new SyscallError(describe(), -result);
  return result;
}

/** Memory at an address, as bytes. */
export function memoryAt(address: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(native(VIEW, address, length, 0, 0, 0, 0));
}

/** Calls machine code at an address with one pointer argument; see exec.ts. */
export function callCode(address: number, argument: number): void {
  native(CALL, address, argument, 0, 0, 0, 0);
}

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_SHARED = 0x01;
const MAP_SHARED_ANONYMOUS = 0x21;

/** mmap(2), readable and writable, private to this process (copied by fork). */
export function mapPrivate(length: number): number {
  return map(length, MAP_PRIVATE_ANONYMOUS, -1);
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
