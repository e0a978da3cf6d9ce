// Numbers of system calls as they stand in seccomp_data.nr, out of the compiler's own tables.

import { type Arch, numbersIn } from "../../runtime/seccomp/arch/arch.ts";

const tables = new Map<Arch, Map<string, number>>();

/** Undefined: the architecture has no such call. */
export function numberOf(arch: Arch, name: string): number | undefined {
  const table = tables.get(arch) ?? tableOf(arch);
  tables.set(arch, table);
  return table.get(name);
}

/** All calls of an architecture. */
export function tableOf({ calls, elsewhere, moreCalls, firstNumber }: Arch): Map<string, number> {
  const shared = calls.flatMap((part) => [...numbersIn(part)]);
  const own = moreCalls === undefined ? [] : [...numbersIn(moreCalls)];
  const all = [...shared.filter(([name]) => !elsewhere?.has(name)), ...own];
  return new Map(all.map(([name, number]) => [name, firstNumber + number]));
}
