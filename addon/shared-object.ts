// A shared object (ELF, System V ABI) with one function: a page to execute, and one with the
// addresses of what it imports, read-only once the loader has filled them in.

/** A byte of code; a name for its place; four bytes with the distance from their end to a name. */
export type Part = number | { name: string } | { distanceTo: string };

export interface SharedObject {
  code: readonly Part[];
  /** The name in `code` that is exported. */
  entry: string;
  /** Functions of the program that loads it. In code, their names stand for pointers to them. */
  imports: readonly string[];
}

const PAGE = 0x1000;

/** Where what is, in the file and in memory; each has more room than it needs. */
const AT = {
  segments: 64,
  symbols: 0x200,
  relocations: 0x400,
  hash: 0x600,
  strings: 0x700,
  code: 0x900,
  dynamic: PAGE,
  pointers: PAGE + 0x100,
  end: PAGE + 0x200,
};

// elf.h
const ET_DYN = 3;
const EM_X86_64 = 62;
const PT = { LOAD: 1, DYNAMIC: 2, GNU_STACK: 0x6474e551, GNU_RELRO: 0x6474e552 };
const PF = { X: 1, W: 2, R: 4 };
const DT = { HASH: 4, STRTAB: 5, SYMTAB: 6, RELA: 7, RELASZ: 8, RELAENT: 9, STRSZ: 10, SYMENT: 11 };
const GLOBAL_FUNCTION = 0x12;
const R_X86_64_GLOB_DAT = 6;
const SEGMENT_BYTES = 56;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 24;

/** The bytes of the file. */
export function sharedObject({ code, entry, imports }: SharedObject): Buffer {
  const file = Buffer.alloc(AT.end);
  const places = placesOf(code);
  imports.forEach((name, index) => {
    places.set(name, AT.pointers + 8 * index);
  });
  file.set(assembled(code, places), AT.code);
  putHeader(file);
  putSegments(file);
  const strings = `\0${[entry, ...imports].join("\0")}\0`;
  file.write(strings, AT.strings);
  // The first symbol is nobody, the second is exported.
  [entry, ...imports].forEach((name, index) => {
    const symbol = AT.symbols + SYMBOL_BYTES * (index + 1);
    file.writeUInt32LE(strings.indexOf(`\0${name}\0`) + 1, symbol);
    file[symbol + 4] = GLOBAL_FUNCTION;
    if (index > 0) return;
    file.writeUInt16LE(1, symbol + 6);
    put(file, symbol + 8, [places.get(name) ?? 0]);
  });
  imports.forEach((name, index) => {
    const relocation = AT.relocations + RELOCATION_BYTES * index;
    put(file, relocation, [places.get(name) ?? 0]);
    file.writeUInt32LE(R_X86_64_GLOB_DAT, relocation + 8);
    file.writeUInt32LE(index + 2, relocation + 12);
  });
  // One bucket, with the exported symbol alone.
  [1, imports.length + 2, 1].forEach((word, index) => {
    file.writeUInt32LE(word, AT.hash + 4 * index);
  });
  put(file, AT.dynamic, [
    ...[DT.HASH, AT.hash, DT.SYMTAB, AT.symbols, DT.SYMENT, SYMBOL_BYTES],
    ...[DT.STRTAB, AT.strings, DT.STRSZ, strings.length],
    ...[DT.RELA, AT.relocations, DT.RELASZ, RELOCATION_BYTES * imports.length],
    ...[DT.RELAENT, RELOCATION_BYTES],
  ]);
  return file;
}

function placesOf(code: readonly Part[]): Map<string, number> {
  const places = new Map<string, number>();
  let address = AT.code;
  for (const part of code) {
    if (typeof part === "number") address++;
    else if ("name" in part) places.set(part.name, address);
    else address += 4;
  }
  if (address > PAGE) throw new Error("the code does not fit its page");
  return places;
}

function assembled(code: readonly Part[], places: ReadonlyMap<string, number>): number[] {
  const bytes: number[] = [];
  for (const part of code) {
    if (typeof part === "number") bytes.push(part);
    else if ("distanceTo" in part) {
      const place = places.get(part.distanceTo);
      if (place === undefined) throw new Error(`nothing has the name ${part.distanceTo}`);
      const distance = Buffer.alloc(4);
      distance.writeInt32LE(place - (AT.code + bytes.length + 4));
      bytes.push(...distance);
    }
  }
  return bytes;
}

function putHeader(file: Buffer): void {
  const [is64Bit, littleEndian, version] = [2, 1, 1];
  file.write("\x7fELF");
  file.set([is64Bit, littleEndian, version], 4);
  file.writeUInt16LE(ET_DYN, 16);
  file.writeUInt16LE(EM_X86_64, 18);
  file.writeUInt32LE(version, 20);
  put(file, 32, [AT.segments]);
  file.writeUInt16LE(AT.segments, 52);
  file.writeUInt16LE(SEGMENT_BYTES, 54);
  file.writeUInt16LE(5, 56);
}

function putSegments(file: Buffer): void {
  const pageTwo = { at: PAGE, length: AT.end - PAGE };
  [
    { type: PT.LOAD, flags: PF.R | PF.X, at: 0, length: PAGE },
    { type: PT.LOAD, flags: PF.R | PF.W, ...pageTwo },
    { type: PT.DYNAMIC, flags: PF.R | PF.W, ...pageTwo },
    { type: PT.GNU_RELRO, flags: PF.R, at: PAGE, length: PAGE },
    { type: PT.GNU_STACK, flags: PF.R | PF.W, at: 0, length: 0 },
  ].forEach(({ type, flags, at, length }, index) => {
    const segment = AT.segments + SEGMENT_BYTES * index;
    file.writeUInt32LE(type, segment);
    file.writeUInt32LE(flags, segment + 4);
    put(file, segment + 8, [at, at, at, length, length, PAGE]);
  });
}

/** 64-bit words, one after the other. */
function put(file: Buffer, offset: number, words: readonly number[]): void {
  words.forEach((word, index) => {
    file.writeBigUInt64LE(BigInt(word), offset + 8 * index);
  });
}
