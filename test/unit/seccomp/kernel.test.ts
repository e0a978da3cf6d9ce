// Loads compiled filters into the kernel and makes system calls under them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { X86 } from "../../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../../runtime/seccomp/arch/x86_64.ts";
import { compileSeccomp } from "../../../runtime/seccomp/compile.ts";
import type { Seccomp } from "../../../runtime/seccomp/profile.ts";
import { compileC } from "../../support/compile-c.ts";
import { numberOf } from "../../support/seccomp-numbers.ts";
import sample from "../../support/seccomp-sample.json";

const SIGSYS = 31;
const X32_BIT = 0x40000000;
const GETPID = nr("getpid");
const GETPPID = nr("getppid");
const PERSONALITY = nr("personality");

const folder = mkdtempSync(join(tmpdir(), "runt-seccomp-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const helper = process.arch === "x64" ? compileC("seccomp-try", folder) : { reason: process.arch };
const program = "program" in helper ? helper.program : "";
if ("reason" in helper) console.log(`SKIP needs gcc on x86-64: ${helper.reason}`);
const kernel = "reason" in helper ? test.skip : test;

kernel("the kernel carries out every action", () => {
  const profile: Seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      { names: ["getpid"], action: "SCMP_ACT_ERRNO" },
      { names: ["getppid"], action: "SCMP_ACT_ERRNO", errnoRet: 95 },
      { names: ["getuid"], action: "SCMP_ACT_ERRNO", errnoRet: 0 },
      { names: ["getgid"], action: "SCMP_ACT_KILL" },
      { names: ["geteuid"], action: "SCMP_ACT_KILL_PROCESS" },
      { names: ["getegid"], action: "SCMP_ACT_TRAP" },
      { names: ["gettid"], action: "SCMP_ACT_TRACE" },
      { names: ["getpgrp"], action: "SCMP_ACT_LOG" },
    ],
  };
  const names = ["getpid", "getppid", "getuid", "getgid", "geteuid", "getegid", "gettid"];
  const calls = names.map((name) => `64:${nr(name)}:0:0`);
  assert.equal(answers(profile, calls), [
    "returns -1",
    "returns -95",
    "returns 0",
    `signal ${SIGSYS}`,
    `signal ${SIGSYS}`,
    "trap 0",
    // Nobody traces: the kernel answers ENOSYS.
    "returns -38",
  ]);
  const allowed = answers(profile, [`64:${nr("getpgrp")}:0:0`, `64:${nr("getsid")}:0:0`]);
  for (const answer of allowed) assert.match(answer, /^returns \d+$/);
});

kernel("the kernel compares arguments as the profile says, all 64 bits of them", () => {
  const profile: Seccomp = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    syscalls: [
      {
        names: ["personality"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 1,
        args: [{ index: 0, value: 0x100000005n, op: "SCMP_CMP_GE" }],
      },
      {
        names: ["personality"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 2,
        args: [{ index: 0, value: 0xf0, valueTwo: 0x30, op: "SCMP_CMP_MASKED_EQ" }],
      },
    ],
  };
  const values = [0x100000005n, 0x100000004n, 0x39n, 0x39n + 0x500n, 2n ** 63n];
  const calls = values.map((value) => `64:${PERSONALITY}:${value}:0`);
  assert.equal(
    answers(profile, calls),
    [-1, -38, -2, -2, -1].map((number) => `returns ${number}`),
  );
});

kernel("the kernel kills at calls of architectures that the profile does not have", () => {
  const alone: Seccomp = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names: ["getpid", "mseal"], action: "SCMP_ACT_ALLOW" }],
  };
  const all = { ...alone, architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] };
  const calls = [
    `32:${numberOf(X86, "getpid")}:0:0`,
    `64:${X32_BIT + GETPID}:0:0`,
    `32:${numberOf(X86, "getppid")}:0:0`,
    `64:${X32_BIT + GETPPID}:0:0`,
  ];
  const killed = `signal ${SIGSYS}`;
  assert.equal(answers(alone, calls), [killed, killed, killed, killed]);
  const [compat = "", x32 = "", ...denied] = answers(all, calls);
  assert.match(compat, /^returns \d+$/);
  // A kernel without x32 says ENOSYS once the filter has let the call through.
  assert.match(x32, /^returns (\d+|-38)$/);
  assert.equal(denied, ["returns -1", "returns -1"]);
});

kernel("the kernel takes a long profile, with the flags that the profile asks for", () => {
  const calls = [
    `64:${GETPID}:0:0`,
    `64:${PERSONALITY}:7:0`,
    `64:${nr("mount")}:0:0`,
    "64:900:0:0",
  ];
  for (const flags of [undefined, [], ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"]]) {
    const [getpid = "", ...others] = answers({ ...sample, ...(flags ? { flags } : {}) }, calls);
    assert.match(getpid, /^returns \d+$/);
    assert.equal(others, ["returns -1", "returns -1", "returns -38"]);
  }
});

test.run();

function nr(name: string): number {
  const number = numberOf(X86_64, name);
  if (number === undefined) throw new Error(name);
  return number;
}

/** What comes of system calls ("64:NUMBER:ARG0:ARG1", "32:…" through int 0x80) under a profile. */
function answers(profile: Seccomp, calls: readonly string[]): string[] {
  const filter = compileSeccomp(profile, "x86_64");
  if (filter === undefined) throw new Error("the profile is disabled");
  const file = join(folder, "filter");
  writeFileSync(file, filter.program);
  const { exitCode, stdout } = Bun.spawnSync([program, String(filter.flags), file, ...calls]);
  assert.is(exitCode, 0, "seccomp-try");
  return stdout.toString().trim().split("\n");
}
