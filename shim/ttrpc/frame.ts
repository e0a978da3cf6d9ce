// ttrpc's frames: a header of ten bytes, big endian (length, stream, type, flags), and data. Flags
// are for methods with streams, of which a shim has none: they are read, and say nothing to it.

export const REQUEST = 1;
export const RESPONSE = 2;
export const DATA = 3;

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

/**
 * Makes what turns bytes, as they come, into frames. The bytes are kept, and are in the frames: they
 * may not be written to any more.
 */
export function frameDecoder(
  take: (frame: Frame | OversizedFrame) => void,
): (bytes: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  let partsBytes = 0;
  /** With fewer than these there is no frame yet. */
  let wanted = HEADER_BYTES;
  let toDrop = 0;
  return (bytes) => {
    const dropped = Math.min(toDrop, bytes.length);
    toDrop -= dropped;
    if (dropped === bytes.length) return;
    parts.push(bytes.subarray(dropped));
    partsBytes += bytes.length - dropped;
    if (partsBytes < wanted) return;
    const [first] = parts;
    let rest = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    while (rest.length >= wanted) rest = afterNext(rest);
    parts = rest.length === 0 ? [] : [rest];
    partsBytes = rest.length;
  };

  /** Takes a frame, or learns how long it is; returns what follows. */
  function afterNext(bytes: Uint8Array): Uint8Array {
    const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
    const length = header.getUint32(0);
    const [stream, type, flags] = [header.getUint32(4), header.getUint8(8), header.getUint8(9)];
    const end = HEADER_BYTES + length;
    if (length <= DATA_BYTES_MAX && bytes.length < end) {
      wanted = end;
      return bytes;
    }
    wanted = HEADER_BYTES;
    if (length > DATA_BYTES_MAX) {
      toDrop = Math.max(0, end - bytes.length);
      take({ stream, type, oversizedBytes: length });
    } else {
      take({ stream, type, flags, data: bytes.subarray(HEADER_BYTES, end) });
    }
    return bytes.subarray(Math.min(end, bytes.length));
  }
}
