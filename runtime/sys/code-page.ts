// Machine code in memory.

import { check, mapPrivate, memoryAt, syscall } from "./libc.ts";
import { NR } from "./nr.ts";

/** A page that can be read and executed, and not written. */
export function codePage(code: readonly number[]): number {
  const PROT_READ_EXEC = 5;
  const address = mapPrivate(4096);
  memoryAt(address, code.length).set(code);
  check(
    syscall(NR.mprotect, address, 4096, PROT_READ_EXEC),
    () => "mprotect(PROT_READ | PROT_EXEC)",
  );
  return address;
}
