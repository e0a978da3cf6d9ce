// Writes a classic BPF program from its end to its beginning, so that every jump's target is known
// when the jump is written. A place in the program is the number of instructions from there on.

import { RuntimeError } from "../errors.ts";

/** A program being written. */
export interface Bpf {
  /** struct sock_filter[], filled from the end: code, jt and jf in one word, k in the next. */
  words: Uint32Array;
  length: number;
  /** The newest return instruction of each value. */
  returns: Map<number, Place>;
  /** Where the tests of arguments begin that stand for some rules: calls share them. */
  tests: Map<object, Place>;
}

/** How many instructions the program had once the one in question was written. */
export type Place = number;

export interface Jump {
  code: "eq" | "gt" | "ge";
  /** What the accumulator is compared with, 32 bits unsigned. */
  k: number;
  yes: Place;
  no: Place;
}

/** BPF_MAXINSNS, linux/bpf_common.h: the kernel's limit. */
const MAX_INSTRUCTIONS = 4096;

// linux/bpf_common.h
const LD_W_ABS = 0x20;
const ALU_AND_K = 0x54;
const JMP_JA = 0x05;
const RET_K = 0x06;
const JUMP_CODES = { eq: 0x15, gt: 0x25, ge: 0x35 };

/** Offsets of a conditional jump are 8 bits; one is kept for the other branch's detour. */
const FAR = 254;

export function newBpf(): Bpf {
  return {
    words: new Uint32Array(2 * MAX_INSTRUCTIONS),
    length: 0,
    returns: new Map(),
    tests: new Map(),
  };
}

/** Ends the filter with an action; an equal instruction near enough is used again. */
export function putReturn(bpf: Bpf, action: number): Place {
  const present = bpf.returns.get(action);
  if (present !== undefined && bpf.length - present <= FAR) return present;
  const place = put(bpf, RET_K, action);
  bpf.returns.set(action, place);
  return place;
}

/** Compares the accumulator and jumps, however far. */
export function putJump(bpf: Bpf, { code, k, yes, no }: Jump): Place {
  const nearYes = bpf.length - yes <= FAR ? yes : detour(bpf, yes);
  const nearNo = bpf.length - no <= FAR ? no : detour(bpf, no);
  const jt = bpf.length - nearYes;
  const jf = bpf.length - nearNo;
  return put(bpf, JUMP_CODES[code] | (jt << 16) | (jf << 24), k);
}

/** Keeps only these bits of the accumulator; goes on with the instruction written before. */
export function putAnd(bpf: Bpf, mask: number): Place {
  return put(bpf, ALU_AND_K, mask);
}

/** Loads 32 bits of struct seccomp_data; goes on with the instruction written before. */
export function putLoad(bpf: Bpf, offsetBytes: number): Place {
  return put(bpf, LD_W_ABS, offsetBytes);
}

/** The program as the kernel wants it: struct sock_filter[], 8 bytes each, little endian. */
export function programBytes(bpf: Bpf): Uint8Array {
  const { words, length } = bpf;
  return new Uint8Array(words.slice(words.length - 2 * length).buffer);
}

/** A place to jump to instead of one that is too far, written here. */
function detour(bpf: Bpf, target: Place): Place {
  const at = bpf.words.length - 2 * target;
  if (bpf.words[at] === RET_K) return putReturn(bpf, bpf.words[at + 1] ?? 0);
  return put(bpf, JMP_JA, bpf.length - target);
}

function put(bpf: Bpf, code: number, k: number): Place {
  if (bpf.length === MAX_INSTRUCTIONS) {
    throw new RuntimeError(
      `the seccomp profile needs more than the ${MAX_INSTRUCTIONS} instructions that the kernel allows`,
    );
  }
  bpf.length += 1;
  const at = bpf.words.length - 2 * bpf.length;
  bpf.words[at] = code;
  bpf.words[at + 1] = k;
  return bpf.length;
}
