// The code of this process: what of its executable and libraries it has mapped.

import { readFile } from "./file.ts";
import { syscall } from "./libc.ts";
import { NR } from "./nr.ts";

interface Range {
  address: number;
  length: number;
}

/** Known once: nothing is loaded later, and less than all is unmapped if it is. */
let ranges: readonly Range[] | undefined;

/**
 * madvise(MADV_DONTNEED) of all code: what is called again is mapped again, out of the page cache.
 * Nothing is lost, since nobody writes to it.
 */
export function forgetCode(): void {
  const MADV_DONTNEED = 4;
  ranges ??= codeIn(readFile("/proc/self/maps"));
  for (const { address, length } of ranges) syscall(NR.madvise, address, length, MADV_DONTNEED);
}

/** Executable mappings of files that cannot be written to (proc_pid_maps(5)). */
function codeIn(maps: string): Range[] {
  const lines = maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ [1-9]/gm);
  return Array.from(lines, ([, start = "", end = ""]) => {
    const address = Number.parseInt(start, 16);
    return { address, length: Number.parseInt(end, 16) - address };
  });
}
