// Loading a seccomp filter and executing a program, with nothing in between. JavaScript cannot
// promise that: the engine looks at /proc/self/statm when it likes, and a filter may kill for it.
// So the two system calls stand side by side in one page of machine code, made here. With a listener
// for SCMP_ACT_NOTIFY the code waits in between, without a system call, until somebody has it.

import { ENOENT, ENOTDIR } from "../errno.ts";
import { codePage } from "./code-page.ts";
import { callCode, mapPrivate, memoryAt } from "./libc.ts";
import { CLONE_PARENT, CLONE_VM } from "./process.ts";

/** What execve(2) gets, laid out in memory of its own. */
export interface ProgramImage {
  /** Tried in order until one is there; or the addresses of such paths. */
  paths: readonly string[] | readonly number[];
  argv: readonly string[];
  env: readonly string[];
}

/** What the last two calls are made of, and where they report: a page that is shared. */
export interface ExecRequest {
  image: ProgramImage;
  /** struct sock_filter[], and SECCOMP_FILTER_FLAG_*; absent: no filter. */
  filter?: { program: Uint8Array; flags: number };
  /** Address of the words of {@link RESULT}. */
  resultAddress: number;
  /** A new process makes the last calls, in the pid namespace for children; absent: this one. */
  clone?: {
    /** Standard input becomes the controlling terminal of its session. */
    terminal: boolean;
    /** It waits until {@link RESULT}.go is set. */
    waits: boolean;
    /** RLIMIT_NPROC of the new process, which would count its maker too; null leaves it. */
    tasks: { soft: string; hard: string } | null;
  };
}

/** Byte offsets of the 32-bit words through which the code and the rest of the world speak. */
export const RESULT = {
  /** The negative errno of the call that failed. */
  errno: 0,
  /** `STAGE_EXEC` once only execve(2) is left. */
  stage: 4,
  /** The descriptor that seccomp(2) gave for SECCOMP_FILTER_FLAG_NEW_LISTENER, and one. */
  listener: 8,
  /** Anything but 0, from outside: the listener has been taken, execve(2) may follow. */
  taken: 12,
  /** Pid of the new process, in the pid namespace of its maker. */
  pid: 24,
  /** Anything but 0, from outside: a new process that waits may go on. */
  go: 28,
} as const;

export const STAGE_EXEC = 2;
/** What comes before, where a new process makes the last calls. */
export const STAGE_CLONE = 3;
export const STAGE_TERMINAL = 4;
/** A call of a tape (tape.ts), where the child plays one. */
export const STAGE_TAPE = 5;

/** linux/seccomp.h */
const NEW_LISTENER = 1 << 3;

/**
 * How often the code looks whether the listener has been taken, before it gives up: whoever takes it
 * may be gone. 10 to 140 clock ticks each, so some seconds to a minute of computing.
 */
const LOOKS = 0x40;

/** As often a new process lets others run while it waits, which takes 0.2 µs or more each. */
const YIELDS = 0x04;

/** Byte offsets of the structure that the code is called with. */
const REQUEST = {
  hasFilter: 0,
  flags: 8,
  program: 16,
  paths: 24,
  argv: 32,
  env: 40,
  result: 48,
  terminal: 56,
  waits: 64,
  hasTasks: 72,
  /** struct rlimit. */
  tasks: 80,
  /** struct clone_args, CLONE_ARGS_BYTES of it. */
  clone: 96,
};
const CLONE_ARGS_BYTES = 88;
/** Byte offsets in struct clone_args (clone(2)). */
const CLONE_ARGS = { flags: 0, parentTid: 24 };
const CLONE_VFORK = 0x4000;
const CLONE_PARENT_SETTID = 0x100000;
const REQUEST_BYTES = REQUEST.clone + CLONE_ARGS_BYTES;

// System V calling convention: the request's address arrives in rdi and stays in rbx. Where there is
// a listener the code ends by ud2, SIGILL: exit_group(2) may be a call that the listener has to allow.
const X86_64_CODE = [
  [0x48, 0x89, 0xfb], //                            mov  rbx, rdi
  [0x48, 0x83, 0x3b, 0x00], //                      cmp  qword [rbx + hasFilter], 0
  [0x74, 0x3b], //                                  je   exec
  [0xb8, 0x3d, 0x01, 0x00, 0x00], //                mov  eax, 317 (seccomp)
  [0xbf, 0x01, 0x00, 0x00, 0x00], //                mov  edi, 1 (SECCOMP_SET_MODE_FILTER)
  [0x48, 0x8b, 0x73, REQUEST.flags], //             mov  rsi, [rbx + flags]
  [0x48, 0x8b, 0x53, REQUEST.program], //           mov  rdx, [rbx + program]
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x85, 0xc0], //                            test rax, rax
  [0x78, 0x59], //                                  js   failed
  [0xf6, 0x43, REQUEST.flags, NEW_LISTENER], //     test byte [rbx + flags], NEW_LISTENER
  [0x74, 0x1c], //                                  jz   exec
  [0x48, 0x8b, 0x4b, REQUEST.result], //            mov  rcx, [rbx + result]
  [0xff, 0xc0], //                                  inc  eax
  [0x89, 0x41, RESULT.listener], //                 mov  [rcx + listener], eax
  [0xba, 0x00, 0x00, 0x00, LOOKS], //               mov  edx, LOOKS << 24
  [0xf3, 0x90], //                           wait:  pause
  [0x83, 0x79, RESULT.taken, 0x00], //              cmp  dword [rcx + taken], 0
  [0x75, 0x06], //                                  jnz  exec
  [0xff, 0xca], //                                  dec  edx
  [0x75, 0xf4], //                                  jnz  wait
  [0x0f, 0x0b], //                           die:   ud2
  [0x48, 0x8b, 0x4b, REQUEST.result], //     exec:  mov  rcx, [rbx + result]
  [0xc7, 0x41, RESULT.stage, STAGE_EXEC, 0, 0, 0], //   mov  dword [rcx + stage], STAGE_EXEC
  [0x4c, 0x8b, 0x63, REQUEST.paths], //             mov  r12, [rbx + paths]
  [0xb8, 0x3b, 0x00, 0x00, 0x00], //         next:  mov  eax, 59 (execve)
  [0x49, 0x8b, 0x3c, 0x24], //                      mov  rdi, [r12]
  [0x48, 0x8b, 0x73, REQUEST.argv], //              mov  rsi, [rbx + argv]
  [0x48, 0x8b, 0x53, REQUEST.env], //               mov  rdx, [rbx + env]
  [0x0f, 0x05], //                                  syscall
  [0x49, 0x83, 0xc4, 0x08], //                      add  r12, 8
  [0x49, 0x83, 0x3c, 0x24, 0x00], //                cmp  qword [r12], 0
  [0x74, 0x0a], //                                  je   failed
  [0x83, 0xf8, -ENOENT & 0xff], //                  cmp  eax, -ENOENT
  [0x74, 0xdd], //                                  je   next
  [0x83, 0xf8, -ENOTDIR & 0xff], //                 cmp  eax, -ENOTDIR
  [0x74, 0xd8], //                                  je   next
  [0x48, 0x8b, 0x4b, REQUEST.result], //   failed:  mov  rcx, [rbx + result]
  [0x89, 0x01], //                                  mov  [rcx + errno], eax
  [0xf6, 0x43, REQUEST.flags, NEW_LISTENER], //     test byte [rbx + flags], NEW_LISTENER
  [0x75, 0xbb], //                                  jnz  die
  [0xb8, 0xe7, 0x00, 0x00, 0x00], //                mov  eax, 231 (exit_group)
  [0xbf, 0x01, 0x00, 0x00, 0x00], //                mov  edi, 1
  [0x0f, 0x05], //                                  syscall
  [0x0f, 0x0b], //                                  ud2
].flat();

// Stands before the code above where a new process is to go on: a vfork(2), so nothing is copied, and
// its maker ends when the program has been executed. Whoever is in its pid namespace never sees more
// of it than these calls.
const X86_64_CLONE = [
  [0x48, 0x89, 0xfb], //                            mov  rbx, rdi
  [0x48, 0x8b, 0x4b, REQUEST.result], //            mov  rcx, [rbx + result]
  [0xc7, 0x41, RESULT.stage, STAGE_CLONE, 0, 0, 0], //  mov  dword [rcx + stage], STAGE_CLONE
  [0xb8, 0xb3, 0x01, 0x00, 0x00], //                mov  eax, 435 (clone3)
  [0x48, 0x8d, 0x7b, REQUEST.clone], //             lea  rdi, [rbx + clone]
  [0xbe, CLONE_ARGS_BYTES, 0x00, 0x00, 0x00], //    mov  esi, CLONE_ARGS_BYTES
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x85, 0xc0], //                            test rax, rax
  [0x74, 0x1a], //                                  jz   child
  [0x79, 0x0d], //                                  jns  made
  [0x48, 0x8b, 0x4b, REQUEST.result], //   failed:  mov  rcx, [rbx + result]
  [0x89, 0x01], //                                  mov  [rcx + errno], eax
  [0xbf, 0x01, 0x00, 0x00, 0x00], //                mov  edi, 1
  [0xeb, 0x02], //                                  jmp  end
  [0x31, 0xff], //                           made:  xor  edi, edi
  [0xb8, 0xe7, 0x00, 0x00, 0x00], //          end:  mov  eax, 231 (exit_group)
  [0x0f, 0x05], //                                  syscall
  [0x0f, 0x0b], //                                  ud2
  [0xb8, 0x70, 0x00, 0x00, 0x00], //        child:  mov  eax, 112 (setsid)
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x83, 0x7b, REQUEST.waits, 0x00], //       cmp  qword [rbx + waits], 0
  [0x74, 0x1e], //                                  je   free
  [0x41, 0xbc, 0x00, 0x00, 0x00, YIELDS], //        mov  r12d, YIELDS << 24
  [0xb8, 0x18, 0x00, 0x00, 0x00], //         wait:  mov  eax, 24 (sched_yield)
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x8b, 0x4b, REQUEST.result], //            mov  rcx, [rbx + result]
  [0x83, 0x79, RESULT.go, 0x00], //                 cmp  dword [rcx + go], 0
  [0x75, 0x07], //                                  jne  free
  [0x41, 0xff, 0xcc], //                            dec  r12d
  [0x75, 0xea], //                                  jnz  wait
  [0x0f, 0x0b], //                                  ud2
  [0x48, 0x83, 0x7b, REQUEST.terminal, 0x00], // free: cmp qword [rbx + terminal], 0
  [0x74, 0x20], //                                  je   go
  [0x48, 0x8b, 0x4b, REQUEST.result], //            mov  rcx, [rbx + result]
  [0xc7, 0x41, RESULT.stage, STAGE_TERMINAL, 0, 0, 0], // mov  dword [rcx + stage], STAGE_TERMINAL
  [0xb8, 0x10, 0x00, 0x00, 0x00], //                mov  eax, 16 (ioctl)
  [0x31, 0xff], //                                  xor  edi, edi
  [0xbe, 0x0e, 0x54, 0x00, 0x00], //                mov  esi, TIOCSCTTY
  [0x31, 0xd2], //                                  xor  edx, edx
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x85, 0xc0], //                            test rax, rax
  [0x78, 0x95], //                                  js   failed
  [0x48, 0x83, 0x7b, REQUEST.hasTasks, 0x00], //  go: cmp qword [rbx + hasTasks], 0
  [0x74, 0x15], //                                  je   on
  [0xb8, 0x2e, 0x01, 0x00, 0x00], //                mov  eax, 302 (prlimit64)
  [0x31, 0xff], //                                  xor  edi, edi
  [0xbe, 0x06, 0x00, 0x00, 0x00], //                mov  esi, RLIMIT_NPROC
  [0x48, 0x8d, 0x53, REQUEST.tasks], //             lea  rdx, [rbx + tasks]
  [0x45, 0x31, 0xd2], //                            xor  r10d, r10d
  [0x0f, 0x05], //                                  syscall
  [0x48, 0x8b, 0x4b, REQUEST.result], //       on:  mov  rcx, [rbx + result]
  [0xc7, 0x41, RESULT.stage, 0, 0, 0, 0], //        mov  dword [rcx + stage], 0
  [0x48, 0x89, 0xdf], //                            mov  rdi, rbx
].flat();

/** As a new process makes them. */
export const X86_64_LAST_CALL = [...X86_64_CLONE, ...X86_64_CODE];

let lastCall: number | undefined;

/** Address of that code. */
export function prepareLastCall(): number {
  lastCall ??= codePage(X86_64_LAST_CALL);
  return lastCall;
}

/** seccomp(2) if there is a filter, then execve(2); on failure the process ends. Never returns. */
export function loadFilterAndExec(request: ExecRequest): never {
  const call = prepareExec(request);
  return call();
}

/** As {@link loadFilterAndExec}, in two halves: everything that needs memory, and the call. */
export function prepareExec(request: ExecRequest): () => never {
  const code = request.clone === undefined ? codePage(X86_64_CODE) : prepareLastCall();
  const image = layOut(request.image);
  const program = request.filter === undefined ? 0 : layOutFilter(request.filter.program);
  const argument = mapPrivate(REQUEST_BYTES);
  const view = new DataView(memoryAt(argument, REQUEST_BYTES).buffer);
  const put = (offset: number, value: number): void => {
    view.setBigUint64(offset, BigInt(value), true);
  };
  put(REQUEST.hasFilter, program === 0 ? 0 : 1);
  put(REQUEST.flags, request.filter?.flags ?? 0);
  put(REQUEST.program, program);
  put(REQUEST.paths, image.paths);
  put(REQUEST.argv, image.argv);
  put(REQUEST.env, image.env);
  put(REQUEST.result, request.resultAddress);
  if (request.clone !== undefined) {
    put(REQUEST.terminal, request.clone.terminal ? 1 : 0);
    put(REQUEST.waits, request.clone.waits ? 1 : 0);
    const { tasks } = request.clone;
    if (tasks !== null) {
      put(REQUEST.hasTasks, 1);
      view.setBigUint64(REQUEST.tasks, BigInt(tasks.soft), true);
      view.setBigUint64(REQUEST.tasks + 8, BigInt(tasks.hard), true);
    }
    const CLONE_FLAGS = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PARENT_SETTID;
    put(REQUEST.clone + CLONE_ARGS.flags, CLONE_FLAGS);
    put(REQUEST.clone + CLONE_ARGS.parentTid, request.resultAddress + RESULT.pid);
  }
  return () => {
    callCode(code, argument);
    throw new Error("execve and exit_group both returned");
  };
}

/** struct sock_fprog and its instructions. */
function layOutFilter(program: Uint8Array): number {
  const HEADER_BYTES = 16;
  const address = mapPrivate(HEADER_BYTES + program.length);
  const memory = memoryAt(address, HEADER_BYTES + program.length);
  const view = new DataView(memory.buffer);
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, BigInt(address + HEADER_BYTES), true);
  memory.set(program, HEADER_BYTES);
  return address;
}

/** Path, argument vector and environment as execve(2) wants them, in one mapping. */
function layOut({ paths, argv, env }: ProgramImage): { paths: number; argv: number; env: number } {
  const vectors = [paths, argv, env];
  const words = vectors.flat();
  const pointerBytes = (words.length + vectors.length) * 8;
  let size = pointerBytes;
  for (const word of words) size += typeof word === "number" ? 0 : Buffer.byteLength(word) + 1;
  const address = mapPrivate(size);
  const memory = memoryAt(address, size);
  let end = pointerBytes;
  let pointer = 0;
  const starts = vectors.map((vector) => {
    const start = address + pointer;
    for (const word of vector) {
      memory.writeBigUInt64LE(BigInt(typeof word === "number" ? word : address + end), pointer);
      if (typeof word !== "number") end += memory.write(word, end) + 1;
      pointer += 8;
    }
    pointer += 8;
    return start;
  });
  const [first = 0, second = 0, third = 0] = starts;
  return { paths: first, argv: second, env: third };
}
