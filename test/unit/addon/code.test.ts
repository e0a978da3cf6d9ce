// The addon as the engine loads it: what goes in, what comes out.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CODE, ENTRY, IMPORTS } from "../../../addon/code.ts";
import { sharedObject } from "../../../addon/shared-object.ts";
import { callCode, mapPrivate, memoryAt, syscall } from "../../../runtime/sys/libc.ts";
import { NR } from "../../../runtime/sys/nr.ts";

const PROT = { READ: 1, WRITE: 2, EXEC: 4 };

test("the addon that was built is the one that the sources make", () => {
  const built = join(import.meta.dirname, "../../../build/libexec/runt.node");
  const made = sharedObject({ code: CODE, entry: ENTRY, imports: IMPORTS });
  assert.ok(readFileSync(built).equals(made));
});

test("a system call answers what the kernel answers, errors as negative numbers", () => {
  const EBADF = 9;
  assert.is(syscall(NR.getpid), process.pid);
  assert.is(syscall(NR.close, -5), -EBADF);
});

test("all six arguments arrive, also beyond 32 bits", () => {
  const MAP_PRIVATE = 2;
  const bytes = Buffer.alloc(0x3000, "first page").fill("last page", 0x2000);
  const path = join(process.env["TMPDIR"] ?? "/tmp", `runt-addon-${process.pid}`);
  writeFileSync(path, bytes);
  const name = mapPrivate(4096);
  memoryAt(name, 4096).set(Buffer.from(`${path}\0`));
  const fd = syscall(NR.openat, -100, name, 0);
  try {
    const address = syscall(NR.mmap, 0, 0x1000, PROT.READ, MAP_PRIVATE, fd, 0x2000);
    assert.ok(address > 2 ** 32, `${address}`);
    assert.is(Buffer.from(memoryAt(address, 9)).toString(), "last page");
  } finally {
    syscall(NR.close, fd);
    syscall(NR.unlinkat, -100, name, 0);
  }
});

test("views of the same memory show the same bytes", () => {
  const address = mapPrivate(4096);
  const [one, other] = [memoryAt(address, 4096), memoryAt(address + 8, 16)];
  one[8] = 42;
  assert.is(other[0], 42);
  assert.is(other.length, 16);
});

test("machine code is called with its argument", () => {
  const code = mapPrivate(4096);
  const result = mapPrivate(4096);
  // mov dword [rdi], 42; ret
  memoryAt(code, 7).set([0xc7, 0x07, 42, 0, 0, 0, 0xc3]);
  assert.is(syscall(NR.mprotect, code, 4096, PROT.READ | PROT.EXEC), 0);
  callCode(code, result);
  assert.is(memoryAt(result, 1)[0], 42);
});

test("code that names what is not there, or does not fit, is not written", () => {
  const object = { entry: "entry", imports: [] };
  assert.throws(
    () => sharedObject({ ...object, code: [{ distanceTo: "nobody" }] }),
    "nothing has the name nobody",
  );
  assert.throws(
    () => sharedObject({ ...object, code: Array(4096).fill(0x90) }),
    "the code does not fit its page",
  );
});

test.run();
