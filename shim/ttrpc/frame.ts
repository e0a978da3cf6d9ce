// ttrpc's frames: a header of ten bytes, big endian (length, stream, type, flags), and data.

export const REQUEST = 1;
export const RESPONSE = 2;
export const DATA = 3;

/** Flags: the sender sends no more on this stream; it stays open for more; there is no data. */
export const REMOTE_CLOSED = 1;
export const REMOTE_OPEN = 2;
export const NO_DATA = 4;

/** More is not taken and not sent; the protocol says 4 MiB. */
export const DATA_BYTES_MAX = 4_194_304;
const HEADER_BYTES = 10;

export interface Frame {
  stream: number;
  type: number;
  flags: number;
  data: Uint8Array;
}

/** One whose data is longer than allowed: it is dropped, and the connection stays. */
export interface OversizedFrame {
  stream: number;
  type: number;
  oversizedBytes: number;
}

export function encodeFrame({ stream, type, flags, data }: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.writeUInt32BE(stream, 4);
  bytes.writeUInt8(type, 8);
  bytes.writeUInt8(flags, 9);
  bytes.set(data, HEADER_BYTES);
  return bytes;
}

/** Makes what turns bytes, as they come, into frames. */
export function frameDecoder(
  take: (frame: Frame | OversizedFrame) => void,
): (bytes: Uint8Array) => void {
  let kept: Uint8Array = new Uint8Array(0);
  let toDrop = 0;
  return (bytes) => {
    const dropped = Math.min(toDrop, bytes.length);
    toDrop -= dropped;
    const fresh = bytes.subarray(dropped);
    kept = kept.length === 0 ? Buffer.from(fresh) : Buffer.concat([kept, fresh]);
    for (let frame = nextFrame(); frame !== undefined; frame = nextFrame()) take(frame);
  };

  function nextFrame(): Frame | OversizedFrame | undefined {
    if (kept.length < HEADER_BYTES) return undefined;
    const header = new DataView(kept.buffer, kept.byteOffset, HEADER_BYTES);
    const length = header.getUint32(0);
    const [stream, type, flags] = [header.getUint32(4), header.getUint8(8), header.getUint8(9)];
    if (length > DATA_BYTES_MAX) {
      const here = Math.min(kept.length - HEADER_BYTES, length);
      toDrop = length - here;
      kept = kept.subarray(HEADER_BYTES + here);
      return { stream, type, oversizedBytes: length };
    }
    const end = HEADER_BYTES + length;
    if (kept.length < end) return undefined;
    const data = kept.subarray(HEADER_BYTES, end);
    kept = kept.subarray(end);
    return { stream, type, flags, data };
  }
}
