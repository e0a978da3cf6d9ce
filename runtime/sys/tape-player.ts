// Who plays a tape: a program of its own, made of the tape. It is executed by a vfork(2), so that
// nothing of its maker's is copied, nor shared with anybody whom the tape leads to.

import { EINVAL, ENOENT, ENOTDIR } from "../errno.ts";
import { cloneCode } from "./clone-code.ts";
import { codePage } from "./code-page.ts";
import { RESULT, STAGE_TAPE, X86_64_LAST_CALL } from "./exec.ts";
import { AT_EMPTY_PATH, closeFd, O_RDONLY, open } from "./file.ts";
import { callCode, check, mapPrivate, mapPrivateAt, memoryAt, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";
import { type Cloned, type CloneOptions, cloneBy } from "./process.ts";
import type { Tape } from "./tape.ts";
import { orUntaped } from "./untaped.ts";

/** Where a tape is in memory: the same in its maker, who writes it there, and in who plays it. */
export const TAPE = 0x1000_0000_0000;
const TAPE_BYTES = 0x40000;
/** Offset of what is not code: first of all what the code is called with. */
export const DATA = 4096;

/** Where who plays it reports: a page of the shared memory that its maker reads. */
export const REPORT = TAPE + TAPE_BYTES - 4096;

/**
 * One call: its number, six arguments, and what it may return: 0 for anything but an error, one more
 * than the only number, or the negative address of a path, which is made empty if there is no such file.
 */
export const CALL_BYTES = 64;
export const CALL_WORDS = CALL_BYTES / 4;
const WANTED = 56;

/** Byte offsets of the structure that the code is called with. */
const PLAY = { first: 0, end: 8, argument: 16, result: 24, clone: 32, pid: 40 };
export const PLAY_BYTES = 48;

// The address of the structure is in rbx. What comes after it is called with `argument`.
const X86_64_CALLS = [
  [0x4c, 0x8b, 0x63, PLAY.first], //                mov  r12, [rbx + first]
  [0x4c, 0x8b, 0x6b, PLAY.end], //                  mov  r13, [rbx + end]
  [0x4d, 0x39, 0xec], //                     next:  cmp  r12, r13
  [0x74, 0x73], //                                  je   last
  [0x49, 0x8b, 0x04, 0x24], //                      mov  rax, [r12]
  [0x49, 0x8b, 0x7c, 0x24, 0x08], //                mov  rdi, [r12 + 8]
  [0x49, 0x8b, 0x74, 0x24, 0x10], //                mov  rsi, [r12 + 16]
  [0x49, 0x8b, 0x54, 0x24, 0x18], //                mov  rdx, [r12 + 24]
  [0x4d, 0x8b, 0x54, 0x24, 0x20], //                mov  r10, [r12 + 32]
  [0x4d, 0x8b, 0x44, 0x24, 0x28], //                mov  r8, [r12 + 40]
  [0x4d, 0x8b, 0x4c, 0x24, 0x30], //                mov  r9, [r12 + 48]
  [0x0f, 0x05], //                                  syscall
  [0x49, 0x8b, 0x4c, 0x24, WANTED], //              mov  rcx, [r12 + WANTED]
  [0x48, 0x85, 0xc0], //                            test rax, rax
  [0x78, 0x13], //                                  js   error
  [0x48, 0x85, 0xc9], //                            test rcx, rcx
  [0x7e, 0x08], //                                  jle  on
  [0x48, 0xff, 0xc9], //                            dec  rcx
  [0x48, 0x39, 0xc8], //                            cmp  rax, rcx
  [0x75, 0x1d], //                                  jne  failed
  [0x49, 0x83, 0xc4, CALL_BYTES], //           on:  add  r12, CALL_BYTES
  [0xeb, 0xba], //                                  jmp  next
  [0x48, 0x85, 0xc9], //                    error:  test rcx, rcx
  [0x79, 0x12], //                                  jns  failed
  [0x83, 0xf8, -ENOENT & 0xff], //                  cmp  eax, -ENOENT
  [0x74, 0x05], //                                  je   missing
  [0x83, 0xf8, -ENOTDIR & 0xff], //                 cmp  eax, -ENOTDIR
  [0x75, 0x08], //                                  jne  failed
  [0x48, 0xf7, 0xd9], //                  missing:  neg  rcx
  [0xc6, 0x01, 0x00], //                            mov  byte [rcx], 0
  [0xeb, 0xe3], //                                  jmp  on
  [0x48, 0x8b, 0x4b, PLAY.result], //      failed:  mov  rcx, [rbx + result]
  [0x89, 0x01], //                                  mov  [rcx + errno], eax
  [0xc7, 0x41, RESULT.stage, STAGE_TAPE, 0, 0, 0], //   mov  dword [rcx + stage], STAGE_TAPE
  [0xb8, 0xe7, 0x00, 0x00, 0x00], //                mov  eax, 231 (exit_group)
  [0xbf, 0x01, 0x00, 0x00, 0x00], //                mov  edi, 1
  [0x0f, 0x05], //                                  syscall
  [0x0f, 0x0b], //                                  ud2
  [0x48, 0x8b, 0x7b, PLAY.argument], //      last:  mov  rdi, [rbx + argument]
].flat();

let memory: Buffer | undefined;

/** The place for one tape at a time. */
export function tapeMemory(): Buffer {
  if (memory === undefined) {
    mapPrivateAt(TAPE, TAPE_BYTES);
    memory = memoryAt(TAPE, TAPE_BYTES);
    writeProgram(memory);
  }
  return memory;
}

/** An ELF file (elf(5)) of two segments, where its code is the first page. */
function writeProgram(bytes: Buffer): void {
  const HEADER_BYTES = 64;
  const SEGMENT_BYTES = 56;
  const CODE = 256;
  const [PT_LOAD, PT_GNU_STACK] = [1, 0x6474e551];
  const [EXECUTE, WRITE, READ] = [1, 2, 4];
  const [ET_EXEC, EM_X86_64] = [2, 62];
  const segments = [
    [PT_LOAD, READ | EXECUTE, 0, DATA],
    [PT_LOAD, READ | WRITE, DATA, TAPE_BYTES - DATA],
    [PT_GNU_STACK, READ | WRITE, 0, 0],
  ] as const;
  // Class 64 bits, little-endian, version 1.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(ET_EXEC, 16);
  bytes.writeUInt16LE(EM_X86_64, 18);
  bytes.writeUInt32LE(1, 20);
  writeWord(bytes, 24, TAPE + CODE);
  writeWord(bytes, 32, HEADER_BYTES);
  bytes.writeUInt16LE(HEADER_BYTES, 52);
  bytes.writeUInt16LE(SEGMENT_BYTES, 54);
  bytes.writeUInt16LE(segments.length, 56);
  for (const [index, [type, flags, offset, length]] of segments.entries()) {
    const at = HEADER_BYTES + index * SEGMENT_BYTES;
    bytes.writeUInt32LE(type, at);
    bytes.writeUInt32LE(flags, at + 4);
    writeWord(bytes, at + 8, offset);
    writeWord(bytes, at + 16, TAPE + offset);
    writeWord(bytes, at + 24, TAPE + offset);
    writeWord(bytes, at + 32, length);
    writeWord(bytes, at + 40, length);
    writeWord(bytes, at + 48, 4096);
  }
  // mov rbx, TAPE + DATA
  bytes.set([0x48, 0xbb], CODE);
  writeWord(bytes, CODE + 2, TAPE + DATA);
  bytes.set([...X86_64_CALLS, ...X86_64_LAST_CALL], CODE + 10);
}

interface Play {
  first: number;
  end: number;
  argument: number;
  resultAddress: number;
}

export function writePlay(bytes: Buffer, offset: number, play: Play): void {
  writeWord(bytes, offset + PLAY.first, play.first);
  writeWord(bytes, offset + PLAY.end, play.end);
  writeWord(bytes, offset + PLAY.argument, play.argument);
  writeWord(bytes, offset + PLAY.result, play.resultAddress);
}

/**
 * Writes a call.
 * @param words of the memory that it goes to, from `start` on
 */
export function writeCall(
  words: Int32Array,
  start: number,
  nr: number,
  args: readonly number[],
  wanted = 0,
): void {
  words.fill(0, start, start + CALL_WORDS);
  words[start] = nr;
  for (let index = 0; index < args.length; index++) {
    writeAt(words, start + 2 + index * 2, args[index] ?? 0);
  }
  writeAt(words, start + WANTED / 4, wanted);
}

/** Addresses have 47 bits; what is negative has 32. */
function writeAt(words: Int32Array, index: number, value: number): void {
  words[index] = value;
  if (value < 0 || value > 0x7fff_ffff) words[index + 1] = Math.floor(value / 0x1_0000_0000);
}

function writeWord(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32LE(value >>> 0, offset);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4);
}

/** What the vfork does: the descriptors survive, and the tape is executed. */
const BEGIN_CALLS_MAX = 128;
let begin: { address: number; bytes: Buffer; words: Int32Array; code: number } | undefined;

/** clone3(2) of a process that plays the tape; see clone(). */
export function cloneToPlay(
  tape: Tape,
  { flags, ...options }: CloneOptions & { flags: number },
): Cloned {
  const length = PLAY_BYTES + BEGIN_CALLS_MAX * CALL_BYTES;
  if (begin === undefined) {
    const address = mapPrivate(length);
    const code = codePage([...cloneCode(PLAY), ...X86_64_CALLS]);
    const bytes = memoryAt(address, length);
    begin = { address, bytes, words: new Int32Array(bytes.buffer), code };
  }
  const { address, bytes, words, code } = begin;
  const program = orUntaped(() => programFile(tape));
  const F_SETFD = 2;
  let end = PLAY_BYTES;
  const add = (nr: number, ...args: number[]): void => {
    writeCall(words, end / 4, nr, args);
    end += CALL_BYTES;
  };
  for (const fd of tape.kept) add(NR.fcntl, fd, F_SETFD, 0);
  const { argv, env, empty } = image();
  add(NR.execveat, program, empty, argv, env, AT_EMPTY_PATH);
  const { resultAddress } = tape;
  writePlay(bytes, 0, {
    first: address + PLAY_BYTES,
    end: address + end,
    argument: 0,
    resultAddress,
  });
  const call = (clone: number): number => {
    writeWord(bytes, PLAY.clone, clone);
    callCode(code, address);
    return Number(bytes.readBigInt64LE(PLAY.pid));
  };
  const CLONE_VM = 0x100;
  const CLONE_VFORK = 0x4000;
  try {
    return cloneBy(call, flags | CLONE_VM | CLONE_VFORK, options);
  } finally {
    closeFd(program);
  }
}

/** Its name, and no environment. */
function image(): { argv: number; env: number; empty: number } {
  const vector = piece(24);
  writeWord(vector.bytes, 0, cstr("runt exec"));
  return { argv: vector.address, env: vector.address + 8, empty: vector.address + 16 };
}

/** A tape as a file that can be executed, and by nobody be written to. */
function programFile({ length }: Tape): number {
  const [MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_EXEC] = [1, 2, 0x10];
  const F_ADD_SEALS = 1033;
  const F_SEAL_ALL = 0xf;
  const name = cstr("runt-exec");
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // MFD_EXEC is of Linux 6.3.
  const made = syscall(NR.memfd_create, name, flags | MFD_EXEC);
  const fd = made === -EINVAL ? syscall(NR.memfd_create, name, flags) : made;
  check(fd, () => "memfd_create()");
  try {
    check(syscall(NR.write, fd, TAPE, length), () => `write(${fd})`);
    check(syscall(NR.ftruncate, fd, TAPE_BYTES), () => `ftruncate(${fd})`);
    check(syscall(NR.fcntl, fd, F_ADD_SEALS, F_SEAL_ALL), () => `fcntl(${fd}, F_ADD_SEALS)`);
    // What is open for writing is not executed (ETXTBSY).
    return open(`/proc/self/fd/${fd}`, O_RDONLY);
  } finally {
    closeFd(fd);
  }
}
