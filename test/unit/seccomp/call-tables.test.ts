// Holds the tables of system call numbers against the kernel headers of this machine.

import { existsSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Arch } from "../../../runtime/seccomp/arch/arch.ts";
import { X32 } from "../../../runtime/seccomp/arch/x32.ts";
import { X86 } from "../../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../../runtime/seccomp/arch/x86_64.ts";

const HEADERS = "/usr/include/x86_64-linux-gnu/asm";
const isThere = existsSync(`${HEADERS}/unistd_x32.h`);
if (!isThere) console.log(`SKIP needs linux-libc-dev on x86-64: ${HEADERS} is not there`);
const withHeaders = isThere ? test : test.skip;

withHeaders("the tables have every system call of the kernel headers, by its number", () => {
  hold(X86_64, "unistd_64.h");
  hold(X86, "unistd_32.h");
  hold(X32, "unistd_x32.h");
});

test("the tables have the calls that are newer than most headers", () => {
  const newer = { mseal: 462, removexattrat: 466, open_tree_attr: 467, file_setattr: 469 };
  for (const [name, number] of Object.entries(newer)) {
    assert.is(X86_64.numberOf(name), number);
    assert.is(X86.numberOf(name), number);
    assert.is(X32.numberOf(name), 0x40000000 + number);
  }
  assert.is(X86_64.numberOf("map_shadow_stack"), 453);
  assert.is(X32.numberOf("map_shadow_stack"), undefined);
});

test("the tables have no number for names that are not system calls", () => {
  for (const name of ["", "0", "424", "constructor", "__proto__", "READ", "read "]) {
    for (const arch of [X86_64, X86, X32]) assert.is(arch.numberOf(name), undefined, name);
  }
});

test("i386 has the calls of socketcall(2) and ipc(2) under the kernel's numbers", () => {
  const found = ["socket", "sendmmsg", "semop", "msgsnd", "shmctl", "read"].map((name) =>
    X86.multiplexers?.map(({ number, callOf }) => [number, callOf(name)]),
  );
  assert.equal(found, [
    [
      [102, 1],
      [117, undefined],
    ],
    [
      [102, 20],
      [117, undefined],
    ],
    [
      [102, undefined],
      [117, 1],
    ],
    [
      [102, undefined],
      [117, 11],
    ],
    [
      [102, undefined],
      [117, 24],
    ],
    [
      [102, undefined],
      [117, undefined],
    ],
  ]);
});

test.run();

function hold(arch: Arch, header: string): void {
  const text = readFileSync(`${HEADERS}/${header}`, "utf8");
  const defined = [...text.matchAll(/^#define __NR_(\w+) \(?(__X32_SYSCALL_BIT \+ )?(\d+)\)?$/gm)];
  assert.ok(defined.length > 300, `${defined.length} in ${header}`);
  for (const [, name = "", bit, number] of defined) {
    assert.is(arch.numberOf(name), Number(number) + (bit ? 0x40000000 : 0), `${name} of ${header}`);
  }
  const names = new Set(defined.map(([, name]) => name));
  for (const [, name = ""] of readFileSync(`${HEADERS}/unistd_64.h`, "utf8").matchAll(
    /__NR_(\w+)/g,
  )) {
    if (!names.has(name)) assert.is(arch.numberOf(name), undefined, `${name} is not in ${header}`);
  }
}
