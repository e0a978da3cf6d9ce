// Holds the tables of system call numbers against the kernel headers of this machine.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Arch, numbersIn } from "../../../runtime/seccomp/arch/arch.ts";
import { ARCHS } from "../../../runtime/seccomp/arch/machine.ts";
import { X32 } from "../../../runtime/seccomp/arch/x32.ts";
import { X86 } from "../../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../../runtime/seccomp/arch/x86_64.ts";
import { compileC } from "../../support/compile-c.ts";
import { numberOf } from "../../support/seccomp-numbers.ts";

const folder = mkdtempSync(join(tmpdir(), "runt-calls-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const helper = compileC("libseccomp-filters", folder, ["-lseccomp"]);
const program = "program" in helper ? helper.program : "";
if ("reason" in helper) console.log(`SKIP needs gcc and libseccomp-dev: ${helper.reason}`);
const withLibseccomp = "reason" in helper ? test.skip : test;

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
    assert.is(numberOf(X86_64, name), number);
    assert.is(numberOf(X86, name), number);
    assert.is(numberOf(X32, name), 0x40000000 + number);
  }
  assert.is(numberOf(X86_64, "map_shadow_stack"), 453);
  assert.is(numberOf(X32, "map_shadow_stack"), undefined);
});

test("the tables have no number for names that are not system calls", () => {
  for (const name of ["", "0", "424", "constructor", "__proto__", "READ", "read "]) {
    for (const arch of [X86_64, X86, X32]) assert.is(numberOf(arch, name), undefined, name);
  }
});

test("i386 has the calls of socketcall(2) and ipc(2) under the kernel's numbers", () => {
  const [socketcall, ipc] = ["socketcall", "ipc"].map((name) =>
    numbersIn(X86.multiplexers?.get(name) ?? ""),
  );
  assert.is(socketcall?.get("socket"), 1);
  assert.is(socketcall?.get("sendmmsg"), 20);
  assert.is(ipc?.get("semop"), 1);
  assert.is(ipc?.get("msgsnd"), 11);
  assert.is(ipc?.get("shmctl"), 24);
  assert.is(ipc?.get("socket"), undefined);
});

withLibseccomp("the tables have libseccomp's calls, by its numbers", () => {
  for (const arch of ARCHS) {
    const name = arch.name.slice("SCMP_ARCH_".length).toLowerCase();
    const { stdout } = Bun.spawnSync([program, "calls", name]);
    const theirs = stdout.toString().trim().split("\n");
    assert.ok(theirs.length > 300, `${theirs.length} of ${name}`);
    const different = theirs.filter((line) => {
      const [call = "", number] = line.split(" ");
      return numberOf(arch, call) !== arch.firstNumber + Number(number);
    });
    assert.equal(different, [], name);
  }
});

test.run();

function hold(arch: Arch, header: string): void {
  const text = readFileSync(`${HEADERS}/${header}`, "utf8");
  const defined = [...text.matchAll(/^#define __NR_(\w+) \(?(__X32_SYSCALL_BIT \+ )?(\d+)\)?$/gm)];
  assert.ok(defined.length > 300, `${defined.length} in ${header}`);
  for (const [, name = "", bit, number] of defined) {
    assert.is(
      numberOf(arch, name),
      Number(number) + (bit ? 0x40000000 : 0),
      `${name} of ${header}`,
    );
  }
  const names = new Set(defined.map(([, name]) => name));
  for (const [, name = ""] of readFileSync(`${HEADERS}/unistd_64.h`, "utf8").matchAll(
    /__NR_(\w+)/g,
  )) {
    if (!names.has(name)) assert.is(numberOf(arch, name), undefined, `${name} is not in ${header}`);
  }
}
