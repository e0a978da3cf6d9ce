// Memory for arguments of system calls: a ring of 64 KiB that strings and small structures are
// written into. Nothing in it outlives the next few calls; what must live longer is mapped apart.

import { RuntimeError } from "../errors.ts";
import { mapPrivate, memoryAt } from "./libc.ts";

const RING_BYTES = 65_536;
/** A path is at most 4,096 bytes, mount data a page; twice that leaves the ring room for both. */
const STRING_BYTES_MAX = 8_192;

interface Ring {
  base: number;
  bytes: Buffer;
}

/** Mapped when it is first written to. */
let ring: Ring | undefined;
let top = 0;
let isKept = false;

function mapRing(): Ring {
  const base = mapPrivate(RING_BYTES);
  return { base, bytes: memoryAt(base, RING_BYTES) };
}

function comeRound(): void {
  if (isKept) throw new RuntimeError("the memory for arguments is full");
  top = 0;
}

/** All that `use` asks for is good until somebody else asks. */
export function keepingAll(use: () => void): void {
  top = 0;
  isKept = true;
  try {
    use();
  } finally {
    isKept = false;
  }
}

/** A piece of C-visible memory: where it is, and the bytes. */
export interface Piece {
  readonly address: number;
  readonly bytes: Buffer;
}

/** Zeroed memory of the given size, 8-byte aligned, good until the ring comes round. */
export function piece(size: number): Piece {
  ring ??= mapRing();
  const { base, bytes } = ring;
  const aligned = (size + 7) & ~7;
  if (top + aligned > RING_BYTES) comeRound();
  const start = top;
  top += aligned;
  bytes.fill(0, start, start + aligned);
  return { address: base + start, bytes: bytes.subarray(start, start + size) };
}

/** A NUL-terminated string. */
export function cstr(text: string): number {
  const length = Buffer.byteLength(text);
  if (length >= STRING_BYTES_MAX) {
    throw new RuntimeError(`a string of ${length} bytes is too long: ${text.slice(0, 64)}…`);
  }
  if (text.includes("\0")) throw new RuntimeError(`a string has a NUL in it: ${text.slice(0, 64)}`);
  ring ??= mapRing();
  const { base, bytes } = ring;
  if (top + length + 1 > RING_BYTES) comeRound();
  const start = top;
  bytes.write(text, start);
  bytes[start + length] = 0;
  top = (start + length + 8) & ~7;
  return base + start;
}
