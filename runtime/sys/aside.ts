// System calls that may take their time, made by a process that shares this one's memory and does
// nothing else. Nothing is copied for it, as for a fork, and nobody waits for it.

import { cloneCode } from "./clone-code.ts";
import { codePage } from "./code-page.ts";
import { AT_REMOVEDIR } from "./entry.ts";
import { AT_FDCWD } from "./file.ts";
import { callCode, mapPrivate, memoryAt, unmap } from "./libc.ts";
import { UMOUNT_NOFOLLOW } from "./mount.ts";
import { NR } from "./nr.ts";
import { CLONE_VM, type Cloned, cloneBy, PR_SET_PDEATHSIG, SIGKILL } from "./process.ts";

export interface AsideCall {
  nr: number;
  /** At most three. */
  args: readonly (number | string)[];
}

export interface Aside extends Cloned {
  /**
   * What the calls have returned, in order; 1 for those that were not made. To be called once, when
   * the process has ended.
   */
  results(): number[];
}

/** rmdir(2). */
export function removing(path: string): AsideCall {
  return { nr: NR.unlinkat, args: [AT_FDCWD, path, AT_REMOVEDIR] };
}

/** umount2(2) of a path whose end is no link. */
export function unmounting(path: string): AsideCall {
  return { nr: NR.umount2, args: [path, UMOUNT_NOFOLLOW] };
}

/** It ends with its maker, and keeps nothing of that one's open. */
const FIRST: readonly AsideCall[] = [
  { nr: NR.prctl, args: [PR_SET_PDEATHSIG, SIGKILL] },
  { nr: NR.close_range, args: [0, 0xffffffff, 0] },
];

/** Byte offsets of the structure that the code is called with. */
const REQUEST = { clone: 0, first: 8, end: 16, pid: 24 };
const REQUEST_BYTES = 32;
/** One call: its number, three arguments, what it returned. */
const CALL_BYTES = 40;
const RETURNED = 32;
/** What no call returns: it has not been made, because the process was killed before. */
const NOT_MADE = 1;

const X86_64_CODE = [
  cloneCode(REQUEST),
  [0x4c, 0x8b, 0x63, REQUEST.first], //   child: mov  r12, [rbx + first]
  [0x4c, 0x8b, 0x6b, REQUEST.end], //            mov  r13, [rbx + end]
  [0x4d, 0x39, 0xec], //                   next: cmp  r12, r13
  [0x74, 0x20], //                               je   last
  [0x49, 0x8b, 0x04, 0x24], //                   mov  rax, [r12]
  [0x49, 0x8b, 0x7c, 0x24, 0x08], //             mov  rdi, [r12 + 8]
  [0x49, 0x8b, 0x74, 0x24, 0x10], //             mov  rsi, [r12 + 16]
  [0x49, 0x8b, 0x54, 0x24, 0x18], //             mov  rdx, [r12 + 24]
  [0x0f, 0x05], //                               syscall
  [0x49, 0x89, 0x44, 0x24, RETURNED], //         mov  [r12 + RETURNED], rax
  [0x49, 0x83, 0xc4, CALL_BYTES], //             add  r12, CALL_BYTES
  [0xeb, 0xdb], //                               jmp  next
  [0xb8, 0xe7, 0x00, 0x00, 0x00], //       last: mov  eax, 231 (exit_group)
  [0x31, 0xff], //                               xor  edi, edi
  [0x0f, 0x05], //                               syscall
  [0x0f, 0x0b], //                               ud2
].flat();

let code: number | undefined;

/** Makes calls one after the other, whatever they return, in a child: see clone(). */
export function callAside(asked: readonly AsideCall[]): Aside {
  code ??= codePage(X86_64_CODE);
  const play = code;
  const calls = [...FIRST, ...asked];
  const stringsAt = REQUEST_BYTES + calls.length * CALL_BYTES;
  const strings = calls.flatMap(({ args }) => args.filter((arg) => typeof arg === "string"));
  const size = strings.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, stringsAt);
  const address = mapPrivate(size);
  const memory = memoryAt(address, size);
  const put = (offset: number, value: number): void => {
    memory.writeBigInt64LE(BigInt(value), offset);
  };
  let end = stringsAt;
  const addressOf = (text: string): number => {
    const start = end;
    // What is not written to is 0.
    end += memory.write(text, start) + 1;
    return address + start;
  };
  for (const [index, { nr, args }] of calls.entries()) {
    const at = REQUEST_BYTES + index * CALL_BYTES;
    put(at, nr);
    put(at + RETURNED, NOT_MADE);
    args.forEach((arg, place) => {
      put(at + 8 + place * 8, typeof arg === "string" ? addressOf(arg) : arg);
    });
  }
  put(REQUEST.first, address + REQUEST_BYTES);
  put(REQUEST.end, address + stringsAt);
  const call = (clone: number): number => {
    put(REQUEST.clone, clone);
    callCode(play, address);
    return Number(memory.readBigInt64LE(REQUEST.pid));
  };
  try {
    return { ...cloneBy(call, CLONE_VM, {}), results };
  } catch (error) {
    unmap(address, size);
    throw error;
  }

  function results(): number[] {
    const returned = calls.map((_, index) =>
      Number(memory.readBigInt64LE(REQUEST_BYTES + index * CALL_BYTES + RETURNED)),
    );
    unmap(address, size);
    return returned.slice(FIRST.length);
  }
}
