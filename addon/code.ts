// The machine code of the addon, x86-64: one function for JavaScript, of seven numbers. Who makes a
// system call gives its number and six arguments and gets what the kernel answers. CALL is given the
// address of a C function and one argument; VIEW an address and a length, and gives an ArrayBuffer of
// that memory. Node-API is found in the program that loads the addon.

import type { Part } from "./shared-object.ts";

/** Where the engine enters a fresh addon. */
export const ENTRY = "napi_register_module_v1";

export const IMPORTS = [
  "napi_create_function",
  "napi_get_cb_info",
  "napi_get_value_int64",
  "napi_create_int64",
  "napi_create_external_arraybuffer",
];

/** What stands in place of a system call's number, as a byte with a sign: -1 and -2. */
const CALL = 0xff;
const VIEW = 0xfe;

/** Offsets on the stack: a result or the count, seven values of JavaScript, the same as integers. */
const VALUES = 8;
const INTEGERS = 64;
const integer = (index: number): number => INTEGERS + 8 * index;

const to = (name: string): Part => ({ distanceTo: name });
const at = (name: string): Part => ({ name });

// System V calling convention: rdi, rsi, rdx, rcx, r8, r9; rbx and rbp are kept by whoever is called,
// and the stack is a multiple of 16 at each call.
export const CODE: readonly Part[] = [
  // napi_value napi_register_module_v1(env, exports): the addon is the function alone.
  [at(ENTRY)],
  [0x48, 0x83, 0xec, 0x18], //                           sub  rsp, 24
  [0x31, 0xf6], //                                       xor  esi, esi (no name)
  [0x31, 0xd2], //                                       xor  edx, edx
  [0x48, 0x8d, 0x0d, to("callback")], //                 lea  rcx, [callback]
  [0x45, 0x31, 0xc0], //                                 xor  r8d, r8d
  [0x4c, 0x8d, 0x4c, 0x24, 8], //                        lea  r9, [rsp + 8]
  [0xff, 0x15, to("napi_create_function")], //           call [napi_create_function]
  [0x48, 0x8b, 0x44, 0x24, 8], //                        mov  rax, [rsp + 8]
  [0x48, 0x83, 0xc4, 0x18], //                           add  rsp, 24
  [0xc3], //                                             ret

  // napi_value callback(env, info)
  [at("callback")],
  [0x53], //                                             push rbx
  [0x55], //                                             push rbp
  [0x48, 0x81, 0xec, 0x88, 0, 0, 0], //                  sub  rsp, 136
  [0x48, 0x89, 0xfb], //                                 mov  rbx, rdi
  [0x48, 0xc7, 0x04, 0x24, 7, 0, 0, 0], //               mov  qword [rsp], 7
  [0x48, 0x89, 0xe2], //                                 mov  rdx, rsp
  [0x48, 0x8d, 0x4c, 0x24, VALUES], //                   lea  rcx, [rsp + VALUES]
  [0x45, 0x31, 0xc0], //                                 xor  r8d, r8d
  [0x45, 0x31, 0xc9], //                                 xor  r9d, r9d
  [0xff, 0x15, to("napi_get_cb_info")], //               call [napi_get_cb_info]
  [0x31, 0xed], //                                       xor  ebp, ebp
  [at("next")],
  [0x48, 0x89, 0xdf], //                                 mov  rdi, rbx
  [0x48, 0x8b, 0x74, 0xec, VALUES], //                   mov  rsi, [rsp + rbp * 8 + VALUES]
  [0x48, 0x8d, 0x54, 0xec, INTEGERS], //                 lea  rdx, [rsp + rbp * 8 + INTEGERS]
  [0xff, 0x15, to("napi_get_value_int64")], //           call [napi_get_value_int64]
  [0xff, 0xc5], //                                       inc  ebp
  [0x83, 0xfd, 7], //                                    cmp  ebp, 7
  [0x0f, 0x85, to("next")], //                           jne  next
  [0x48, 0x8b, 0x44, 0x24, integer(0)], //               mov  rax, [rsp + integer(0)]
  [0x48, 0x8b, 0x7c, 0x24, integer(1)], //               mov  rdi, [rsp + integer(1)]
  [0x48, 0x8b, 0x74, 0x24, integer(2)], //               mov  rsi, [rsp + integer(2)]
  [0x48, 0x83, 0xf8, CALL], //                           cmp  rax, CALL
  [0x0f, 0x84, to("call")], //                           je   call
  [0x48, 0x83, 0xf8, VIEW], //                           cmp  rax, VIEW
  [0x0f, 0x84, to("view")], //                           je   view
  [0x48, 0x8b, 0x54, 0x24, integer(3)], //               mov  rdx, [rsp + integer(3)]
  [0x4c, 0x8b, 0x54, 0x24, integer(4)], //               mov  r10, [rsp + integer(4)]
  [0x4c, 0x8b, 0x44, 0x24, integer(5)], //               mov  r8, [rsp + integer(5)]
  [0x4c, 0x8b, 0x4c, 0x24, integer(6)], //               mov  r9, [rsp + integer(6)]
  [0x0f, 0x05], //                                       syscall
  [at("number")],
  [0x48, 0x89, 0xdf], //                                 mov  rdi, rbx
  [0x48, 0x89, 0xc6], //                                 mov  rsi, rax
  [0x48, 0x89, 0xe2], //                                 mov  rdx, rsp
  [0xff, 0x15, to("napi_create_int64")], //              call [napi_create_int64]
  [at("done")],
  [0x48, 0x8b, 0x04, 0x24], //                           mov  rax, [rsp]
  [0x48, 0x81, 0xc4, 0x88, 0, 0, 0], //                  add  rsp, 136
  [0x5d], //                                             pop  rbp
  [0x5b], //                                             pop  rbx
  [0xc3], //                                             ret

  [at("call")],
  [0x48, 0x89, 0xf8], //                                 mov  rax, rdi
  [0x48, 0x89, 0xf7], //                                 mov  rdi, rsi
  [0xff, 0xd0], //                                       call rax
  [0xe9, to("number")], //                               jmp  number

  [at("view")],
  [0x48, 0x89, 0xf2], //                                 mov  rdx, rsi
  [0x48, 0x89, 0xfe], //                                 mov  rsi, rdi
  [0x48, 0x89, 0xdf], //                                 mov  rdi, rbx
  [0x31, 0xc9], //                                       xor  ecx, ecx (nothing to finalize)
  [0x45, 0x31, 0xc0], //                                 xor  r8d, r8d
  [0x49, 0x89, 0xe1], //                                 mov  r9, rsp
  [0xff, 0x15, to("napi_create_external_arraybuffer")], // call [napi_create_external_arraybuffer]
  [0xe9, to("done")], //                                 jmp  done
].flat();
