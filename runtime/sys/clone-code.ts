// The beginning of machine code that clones and lets the child alone go on in it. A child that shares
// its maker's memory must leave the stack alone.

import { CLONE_ARGS_BYTES } from "./process.ts";

/**
 * System V calling convention: the address of a structure arrives in rdi, and stays in rbx for what
 * comes after this, which only the child executes.
 *
 * @param offsets in the structure: where the address of struct clone_args is, and where the pid goes
 */
export function cloneCode({ clone, pid }: { clone: number; pid: number }): number[] {
  return [
    [0x53], //                                     push rbx
    [0x48, 0x89, 0xfb], //                         mov  rbx, rdi
    [0xb8, 0xb3, 0x01, 0x00, 0x00], //             mov  eax, 435 (clone3)
    [0x48, 0x8b, 0x7b, clone], //                  mov  rdi, [rbx + clone]
    [0xbe, CLONE_ARGS_BYTES, 0x00, 0x00, 0x00], // mov  esi, CLONE_ARGS_BYTES
    [0x0f, 0x05], //                               syscall
    [0x48, 0x85, 0xc0], //                         test rax, rax
    [0x74, 0x06], //                               jz   child
    [0x48, 0x89, 0x43, pid], //                    mov  [rbx + pid], rax
    [0x5b], //                                     pop  rbx
    [0xc3], //                                     ret
  ].flat();
}
