// Signals that come while none is blocked: remembered by machine code, and asked for afterwards.

import { codePage } from "./code-page.ts";
import { check, mapPrivate, memoryAt, syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";

const SIGNAL_MAX = 64;
/** SIGKILL and SIGSTOP, and what does nothing: SIGCHLD, SIGCONT, SIGURG, SIGWINCH (signal(7)). */
const UNTOUCHED = new Set([9, 19, 17, 18, 23, 28]);
const SIG_DFL = 0;

/** Byte offsets of the kernel's `struct sigaction`. */
const ACTION = { handler: 0, flags: 8, restorer: 16, mask: 24 };
const ACTION_BYTES = 32;
const SA_RESTORER = 0x04000000n;
const EVERYTHING = 0xffffffffffffffffn;

// The signal arrives in rdi. The restorer is called when the handler returns.
const X86_64_HANDLER_BYTES = 15;
const X86_64_CODE = (caught: readonly number[]): number[] =>
  [
    [0x48, 0xb8, ...caught], //           mov  rax, caught
    [0xc6, 0x04, 0x38, 0x01], //          mov  byte [rax + rdi], 1
    [0xc3], //                            ret
    [0xb8, 0x0f, 0x00, 0x00, 0x00], //    mov  eax, 15 (rt_sigreturn)
    [0x0f, 0x05], //                      syscall
  ].flat();

interface Catcher {
  handler: number;
  /** One byte a signal. */
  caught: Buffer;
  /** Those that have their default action otherwise. */
  signals: readonly number[];
}

let catcher: Catcher | undefined;

/**
 * Catches every signal whose default would end or stop this process.
 * @returns what gives them their default back, as whatever is forked is to have it, and tells which
 *   have come
 */
export function catchSignals(): () => number[] {
  catcher ??= makeCatcher();
  const { handler, caught, signals } = catcher;
  const restorer = handler + X86_64_HANDLER_BYTES;
  setActions(signals, { handler, flags: SA_RESTORER, restorer, mask: EVERYTHING });
  return () => {
    setActions(signals, { handler: SIG_DFL, flags: 0n, restorer: 0, mask: 0n });
    const come = signals.filter((signal) => caught[signal] !== 0);
    caught.fill(0);
    return come;
  };
}

function makeCatcher(): Catcher {
  const address = mapPrivate(SIGNAL_MAX + 1);
  const operand = Buffer.alloc(8);
  operand.writeBigUInt64LE(BigInt(address));
  const all = Array.from({ length: SIGNAL_MAX }, (_, index) => index + 1);
  return {
    handler: codePage(X86_64_CODE([...operand])),
    caught: memoryAt(address, SIGNAL_MAX + 1),
    // The engine has some of its own, and ignores others.
    signals: all.filter((signal) => !UNTOUCHED.has(signal) && handlerOf(signal) === SIG_DFL),
  };
}

function handlerOf(signal: number): number {
  const { address, bytes } = piece(ACTION_BYTES);
  check(syscall(NR.rt_sigaction, signal, 0, address, 8), () => `rt_sigaction(${signal})`);
  return Number(bytes.readBigUInt64LE(ACTION.handler));
}

interface Action {
  handler: number;
  flags: bigint;
  restorer: number;
  mask: bigint;
}

function setActions(signals: readonly number[], action: Action): void {
  const { address, bytes } = piece(ACTION_BYTES);
  bytes.writeBigUInt64LE(BigInt(action.handler), ACTION.handler);
  bytes.writeBigUInt64LE(action.flags, ACTION.flags);
  bytes.writeBigUInt64LE(BigInt(action.restorer), ACTION.restorer);
  bytes.writeBigUInt64LE(action.mask, ACTION.mask);
  for (const signal of signals) {
    check(syscall(NR.rt_sigaction, signal, address, 0, 8), () => `rt_sigaction(${signal})`);
  }
}
