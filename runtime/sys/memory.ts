// Memory for arguments of system calls: a ring of 64 KiB that strings and small structures are
// written into. Nothing in it outlives the next few calls; what must live longer is mapped apart.

import { RuntimeError } from "../errors.ts";
import { mapPrivate, memoryAt } from "./libc.ts";

const RING_BYTES = 65_536;
/** A path is at most 4,096 bytes, mount data a page; twice that leaves the ring room for both. */
const STRING_BYTES_MAX = 8_192;

/** Memory that is given out piece by piece. */
export interface Area {
  readonly base: number;
  readonly bytes: Buffer;
  /** Offset of the next piece. */
  top: number;
  /** Whether it begins again when it is full; what is left is an error. */
  readonly comesRound: boolean;
}

/** The ring, mapped when it is first written to. */
let area: Area | undefined;

function mapRing(): Area {
  const base = mapPrivate(RING_BYTES);
  return { base, bytes: memoryAt(base, RING_BYTES), top: 0, comesRound: true };
}

/** What `use` asks for comes from another area. */
export function allocateIn(other: Area, use: () => void): void {
  const usual = area;
  area = other;
  try {
    use();
  } finally {
    area = usual;
  }
}

/** Offset of so many bytes. */
function allocate(from: Area, length: number): number {
  if (from.top + length > from.bytes.length) {
    if (!from.comesRound) throw new RuntimeError("the memory for arguments is full");
    from.top = 0;
  }
  const start = from.top;
  from.top = (start + length + 7) & ~7;
  return start;
}

/** A piece of C-visible memory: where it is, and the bytes. */
export interface Piece {
  readonly address: number;
  readonly bytes: Buffer;
}

/** Zeroed memory of the given size, 8-byte aligned, good until the ring comes round. */
export function piece(size: number): Piece {
  area ??= mapRing();
  const { base, bytes } = area;
  const start = allocate(area, size);
  bytes.fill(0, start, start + size);
  return { address: base + start, bytes: bytes.subarray(start, start + size) };
}

/** A NUL-terminated string. */
export function cstr(text: string): number {
  const length = Buffer.byteLength(text);
  if (length >= STRING_BYTES_MAX) {
    throw new RuntimeError(`a string of ${length} bytes is too long: ${text.slice(0, 64)}…`);
  }
  if (text.includes("\0")) throw new RuntimeError(`a string has a NUL in it: ${text.slice(0, 64)}`);
  area ??= mapRing();
  const { base, bytes } = area;
  const start = allocate(area, length + 1);
  bytes.write(text, start);
  bytes[start + length] = 0;
  return base + start;
}
