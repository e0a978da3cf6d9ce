// What a child is to do, written down beforehand: a fork that runs JavaScript copies hundreds of pages
// and warms code that is lost with it; one that plays a tape makes its system calls and no more.
//
// While a tape is recorded, what changes the caller is written down, and answered as if it had gone
// well; what only asks is asked at once, of what the child will see as well. A call that is neither
// cannot be recorded, nor can an answer that would have to be waited for.

import { EAGAIN, EINVAL, EXDEV } from "../errno.ts";
import { RuntimeError } from "../errors.ts";
import { codePage, RESULT, STAGE_TAPE } from "./exec.ts";
import { O_RDWR, RESOLVE_NO_XDEV } from "./file.ts";
import { ask, callCode, mapPrivate, memoryAt, withDeck } from "./libc.ts";
import { keepingAll, piece } from "./memory.ts";
import { NR } from "./nr.ts";
import {
  CLONE_ARGS_BYTES,
  type Cloned,
  type CloneOptions,
  cloneBy,
  PR_CAPBSET_DROP,
} from "./process.ts";

/** It has to be done in another way. */
export class Untaped extends Error {
  override name = "Untaped";
}

/** System calls, and the machine code that comes after them. */
export interface Tape {
  calls: number;
  code: number;
  argument: number;
  /** Ends what was asked for to make it; the child has its own. */
  close(): void;
}

/** linux/prctl.h */
const PR_CAPBSET_READ = 23;

const F_GETFD = 1;
/** linux/keyctl.h, and what it says of a new session keyring (session-keyring(7)). */
const KEYCTL_DESCRIBE = 6;
const NEW_KEYRING = "keyring;0;0;3f130000;";
/** linux/openat2.h: struct open_how. */
const RESOLVE_CACHED = 0x20;
const HOW_BYTES = 24;
const RESOLVE = 16;

const QUESTIONS: ReadonlySet<number> = new Set([
  NR.mprotect,
  NR.statx,
  NR.faccessat2,
  NR.read,
  NR.fstatfs,
]);

const EFFECTS: ReadonlySet<number> = new Set([
  NR.write,
  NR.setns,
  NR.prctl,
  NR.setresuid,
  NR.setresgid,
  NR.setgroups,
  NR.capset,
  NR.keyctl,
  NR.fchdir,
  NR.fchownat,
  NR.umask,
  NR.dup3,
  NR.close,
  NR.close_range,
  NR.prlimit64,
  NR.ppoll,
  NR.rt_sigaction,
  NR.rt_sigprocmask,
]);

/** One call: its number, six arguments, and one more than what it has to return, or 0. */
const CALL_BYTES = 64;
const EXPECTED = 56;
const CALLS_MAX = 512;

let calls: Buffer | undefined;
let callsAddress = 0;

/** Where calls are written; the child has a copy, so that the next tape can be where this one was. */
function callMemory(): Buffer {
  if (calls === undefined) {
    callsAddress = mapPrivate(CALLS_MAX * CALL_BYTES);
    calls = memoryAt(callsAddress, CALLS_MAX * CALL_BYTES);
  }
  return calls;
}

/** The end of a recording. */
class Recorded extends Error {}

export interface Recording {
  /** A call of the child's that is no caller's here; `result` is what it has to return. */
  add(nr: number, args: readonly number[], result?: number): void;
}

/**
 * Records what `act` does.
 * @throws Untaped when that cannot be recorded
 */
export function recordTape(act: (recording: Recording) => void): Tape {
  const memory = callMemory();
  const opened = new Set<number>();
  const mapped: [address: number, length: number][] = [];
  const tape = { calls: 0, code: 0, argument: 0, close };
  const deck = { hear, hearCode };
  try {
    withDeck(deck, () => keepingAll(() => act({ add })));
    throw new Untaped("nothing is executed");
  } catch (error) {
    if (error instanceof Recorded) return tape;
    close();
    throw error instanceof RuntimeError ? new Untaped(error.message) : error;
  }

  function close(): void {
    for (const fd of opened) ask(NR.close, fd);
    for (const [address, length] of mapped) ask(NR.munmap, address, length);
  }

  function hearCode(code: number, argument: number): never {
    tape.code = code;
    tape.argument = argument;
    throw new Recorded();
  }

  function hear(nr: number, args: readonly number[]): number | undefined {
    const [first = 0, second = 0, third = 0] = args;
    if (nr === NR.close && opened.has(first)) return 0;
    if (nr === NR.fcntl && second === F_GETFD) return undefined;
    if (nr === NR.munmap) return 0;
    if (nr === NR.mmap) return map(args);
    if (nr === NR.openat2) return look(first, second, third);
    if (nr === NR.getcwd) return answer(first, "/\0");
    if (nr === NR.keyctl && first === KEYCTL_DESCRIBE) return answer(third, NEW_KEYRING);
    if (nr === NR.prctl && first === PR_CAPBSET_DROP) {
      if (ask(NR.prctl, PR_CAPBSET_READ, second) === -EINVAL) return -EINVAL;
    }
    if (QUESTIONS.has(nr)) return undefined;
    if (!EFFECTS.has(nr)) throw new Untaped(`system call ${nr}`);
    add(nr, args);
    return 0;
  }

  function add(nr: number, args: readonly number[], result?: number): void {
    if (tape.calls === CALLS_MAX) throw new Untaped(`more than ${CALLS_MAX} calls`);
    const start = tape.calls++ * CALL_BYTES;
    put(start, nr);
    for (let index = 0; index < 6; index++) put(start + 8 + index * 8, args[index] ?? 0);
    put(start + EXPECTED, result === undefined ? 0 : result + 1);
  }

  /** Numbers have 53 bits, addresses 47; negative ones are of 32. */
  function put(offset: number, value: number): void {
    memory.writeUInt32LE(value >>> 0, offset);
    memory.writeInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4);
  }

  function map([address, length = 0, protection, flags, fd, offset]: readonly number[]): number {
    const result = ask(NR.mmap, address, length, protection, flags, fd, offset);
    if (result >= 0) mapped.push([result, length]);
    return result;
  }

  /** Only what can be found without waiting, for a disk or for a server that the container may be. */
  function look(root: number, path: number, how: number): number {
    const howBytes = memoryAt(how, HOW_BYTES);
    const isWritten = (howBytes.readUInt32LE(0) & O_RDWR) !== 0;
    const more = RESOLVE_CACHED | (isWritten ? 0 : RESOLVE_NO_XDEV);
    howBytes.writeUInt32LE(howBytes.readUInt32LE(RESOLVE) | more, RESOLVE);
    const fd = ask(NR.openat2, root, path, how, HOW_BYTES);
    if ([EAGAIN, EXDEV, EINVAL].includes(-fd)) throw new Untaped("a path has to be waited for");
    if (fd >= 0) opened.add(fd);
    return fd;
  }

  function answer(address: number, text: string): number {
    return memoryAt(address, text.length).write(text);
  }
}

/** Byte offsets of the structure that the code is called with. */
const PLAY = { clone: 0, first: 8, end: 16, code: 24, argument: 32, result: 40, pid: 48 };
const PLAY_BYTES = 56;

// System V calling convention: the structure's address arrives in rdi and stays in rbx.
const X86_64_PLAY = [
  [0x53], //                                        push rbx
  [0x48, 0x89, 0xfb], //                            mov  rbx, rdi
  [0xb8, 0xb3, 0x01, 0x00, 0x00], //                mov  eax, 435 (clone3)
  [0x48, 0x8b, 0x3b], //                            mov  rdi, [rbx + clone]
  [0xbe, CLONE_ARGS_BYTES, 0x00, 0x00, 0x00], //    mov  esi, CLONE_ARGS_BYTES
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x85, 0xc0], //                            test rax, rax
  [0x74, 0x06], //                                  jz   child
  [0x48, 0x89, 0x43, PLAY.pid], //                  mov  [rbx + pid], rax
  [0x5b], //                                        pop  rbx
  [0xc3], //                                        ret
  [0x4c, 0x8b, 0x63, PLAY.first], //        child:  mov  r12, [rbx + first]
  [0x4c, 0x8b, 0x6b, PLAY.end], //                  mov  r13, [rbx + end]
  [0x4d, 0x39, 0xec], //                     next:  cmp  r12, r13
  [0x74, 0x3e], //                                  je   last
  [0x49, 0x8b, 0x04, 0x24], //                      mov  rax, [r12]
  [0x49, 0x8b, 0x7c, 0x24, 0x08], //                mov  rdi, [r12 + 8]
  [0x49, 0x8b, 0x74, 0x24, 0x10], //                mov  rsi, [r12 + 16]
  [0x49, 0x8b, 0x54, 0x24, 0x18], //                mov  rdx, [r12 + 24]
  [0x4d, 0x8b, 0x54, 0x24, 0x20], //                mov  r10, [r12 + 32]
  [0x4d, 0x8b, 0x44, 0x24, 0x28], //                mov  r8, [r12 + 40]
  [0x4d, 0x8b, 0x4c, 0x24, 0x30], //                mov  r9, [r12 + 48]
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x85, 0xc0], //                            test rax, rax
  [0x78, 0x1c], //                                  js   failed
  [0x49, 0x8b, 0x4c, 0x24, EXPECTED], //            mov  rcx, [r12 + EXPECTED]
  [0xe3, 0x08], //                                  jrcxz on
  [0x48, 0xff, 0xc9], //                            dec  rcx
  [0x48, 0x39, 0xc8], //                            cmp  rax, rcx
  [0x75, 0x0d], //                                  jne  failed
  [0x49, 0x83, 0xc4, CALL_BYTES], //           on:  add  r12, CALL_BYTES
  [0xeb, 0xbd], //                                  jmp  next
  [0x48, 0x8b, 0x7b, PLAY.argument], //      last:  mov  rdi, [rbx + argument]
  [0xff, 0x63, PLAY.code], //                       jmp  [rbx + code]
  [0x48, 0x8b, 0x4b, PLAY.result], //      failed:  mov  rcx, [rbx + result]
  [0x89, 0x01], //                                  mov  [rcx + errno], eax
  [0xc7, 0x41, RESULT.stage, STAGE_TAPE, 0, 0, 0], //   mov  dword [rcx + stage], STAGE_TAPE
  [0xb8, 0xe7, 0x00, 0x00, 0x00], //                mov  eax, 231 (exit_group)
  [0xbf, 0x01, 0x00, 0x00, 0x00], //                mov  edi, 1
  [0x0f, 0x05], //                                  syscall
  [0x0f, 0x0b], //                                  ud2
].flat();

let playCode: number | undefined;

/**
 * clone3(2) of a child that plays a tape; see clone().
 * @param resultAddress where it reports; see RESULT of exec.ts
 */
export function cloneToPlay(
  tape: Tape,
  resultAddress: number,
  { flags, ...options }: CloneOptions & { flags: number },
): Cloned {
  playCode ??= codePage(X86_64_PLAY);
  const code = playCode;
  const { address, bytes } = piece(PLAY_BYTES);
  const put = (offset: number, value: number): void => {
    bytes.writeBigUInt64LE(BigInt(value), offset);
  };
  put(PLAY.first, callsAddress);
  put(PLAY.end, callsAddress + tape.calls * CALL_BYTES);
  put(PLAY.code, tape.code);
  put(PLAY.argument, tape.argument);
  put(PLAY.result, resultAddress);
  const call = (clone: number): number => {
    put(PLAY.clone, clone);
    callCode(code, address);
    return Number(bytes.readBigInt64LE(PLAY.pid));
  };
  return cloneBy(call, flags, options);
}
