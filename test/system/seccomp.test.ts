// Seccomp profiles as the container's program meets them.

import * as assert from "uvu/assert";
import type { Json, Patch } from "../support/bundle.ts";
import { inside, run, withContainer, withScript } from "../support/container.ts";
import { statusFields } from "../support/process.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

function profile(defaultAction: string, syscalls: Json[], more: Patch = {}): Patch {
  return { linux: { seccomp: { defaultAction, syscalls, ...more } } };
}

const makeDirectory = ["mkdir", "mkdirat"];
const attempt = "mkdir /tmp/new 2>&1; echo $?";

test("a denied system call fails with EPERM, or the errno of the rule", async () => {
  const deny = { names: makeDirectory, action: "SCMP_ACT_ERRNO" };
  assert.match(await inside(attempt, profile("SCMP_ACT_ALLOW", [deny])), /not permitted\n1\n$/);
  const enospc = { ...deny, errnoRet: 28 };
  assert.match(await inside(attempt, profile("SCMP_ACT_ALLOW", [enospc])), /No space left/);
});

test("the default action has its own errno", async () => {
  const allowed = { names: await namesBut(makeDirectory), action: "SCMP_ACT_ALLOW" };
  const patch = profile("SCMP_ACT_ERRNO", [allowed], { defaultErrnoRet: 28 });
  assert.match(await inside(attempt, patch), /No space left/);
});

/** What busybox's shell and mkdir need, and some more, without the given names. */
async function namesBut(left: readonly string[]): Promise<string[]> {
  const names =
    "read write open openat close stat fstat lstat newfstatat statx poll lseek mmap mprotect munmap" +
    " brk rt_sigaction rt_sigprocmask rt_sigreturn ioctl access faccessat faccessat2 pipe pipe2 dup" +
    " dup2 dup3 getpid getppid fork vfork clone clone3 execve exit exit_group wait4 uname fcntl" +
    " getcwd chdir mkdir mkdirat umask getuid getgid geteuid getegid setuid setgid arch_prctl prctl" +
    " set_tid_address set_robust_list rseq prlimit64 readlink readlinkat getrandom futex gettid" +
    " tgkill getpgrp setpgid getgroups time clock_gettime sendfile getdents64";
  return names.split(" ").filter((name) => !left.includes(name));
}

test("a rule with a condition meets only the calls that fit", async () => {
  const deny = {
    names: ["kill"],
    action: "SCMP_ACT_ERRNO",
    errnoRet: 95,
    args: [{ index: 1, value: 10, op: "SCMP_CMP_EQ" }],
  };
  const text = "trap '' USR1 USR2; kill -USR1 $$; echo $?; kill -USR2 $$; echo $?";
  const stdout = await inside(text, profile("SCMP_ACT_ALLOW", [deny]));
  assert.is(stdout, "1\n0\n");
});

test("every comparison is of the argument's 64 bits", async () => {
  const cases: [op: string, args: Patch, denied: boolean][] = [
    ["SCMP_CMP_NE", { value: 10 }, false],
    ["SCMP_CMP_NE", { value: 11 }, true],
    ["SCMP_CMP_LT", { value: 11 }, true],
    ["SCMP_CMP_LT", { value: 10 }, false],
    ["SCMP_CMP_LE", { value: 10 }, true],
    ["SCMP_CMP_LE", { value: 9 }, false],
    ["SCMP_CMP_EQ", { value: 10 }, true],
    ["SCMP_CMP_EQ", { value: 4294967306 }, false],
    ["SCMP_CMP_GE", { value: 10 }, true],
    ["SCMP_CMP_GE", { value: 4294967296 }, false],
    ["SCMP_CMP_GT", { value: 9 }, true],
    ["SCMP_CMP_GT", { value: 10 }, false],
    ["SCMP_CMP_MASKED_EQ", { value: 3, valueTwo: 2 }, true],
    ["SCMP_CMP_MASKED_EQ", { value: 3, valueTwo: 1 }, false],
  ];
  for (const [op, values, denied] of cases) {
    const deny = {
      names: ["kill"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 95,
      args: [{ index: 1, op, ...values }],
    };
    const text = "trap '' USR1; kill -USR1 $$ 2> /dev/null; echo $?";
    const stdout = await inside(text, profile("SCMP_ACT_ALLOW", [deny]));
    assert.is(stdout, denied ? "1\n" : "0\n", `${op} ${JSON.stringify(values)}`);
  }
});

test("a call that the profile kills for ends the program with SIGSYS", async () => {
  for (const action of ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD"]) {
    const kill = { names: makeDirectory, action };
    const { code, stdout } = await run({
      process: { args: ["/bin/mkdir", "/tmp/new"] },
      ...profile("SCMP_ACT_ALLOW", [kill]),
    });
    assert.is(code, 159, `${action}: ${stdout}`);
  }
});

test("a trapped call raises SIGSYS, a logged one goes through", async () => {
  const rule = (action: string): Json => ({ names: makeDirectory, action });
  const program = { process: { args: ["/bin/mkdir", "-p", "/tmp/logged"] } };
  const trapped = await run({ ...program, ...profile("SCMP_ACT_ALLOW", [rule("SCMP_ACT_TRAP")]) });
  assert.is(trapped.code, 159);
  const logged = await run({ ...program, ...profile("SCMP_ACT_ALLOW", [rule("SCMP_ACT_LOG")]) });
  assert.is(logged.code, 0, logged.stderr);
});

test("the filter is on the program, with noNewPrivileges and without", async () => {
  for (const noNewPrivileges of [true, false]) {
    const patch = {
      process: { noNewPrivileges },
      ...profile("SCMP_ACT_ALLOW", [{ names: ["reboot"], action: "SCMP_ACT_ERRNO" }]),
    };
    const fields = statusFields(await inside("cat /proc/self/status", patch));
    assert.is(fields["Seccomp"], "2");
    assert.is(fields["Seccomp_filters"], "1");
    assert.is(fields["NoNewPrivs"], noNewPrivileges ? "1" : "0");
  }
});

test("a user without capabilities gets the filter as well", async () => {
  for (const noNewPrivileges of [true, false]) {
    const patch = {
      process: { noNewPrivileges, user: { uid: 1000, gid: 1000 } },
      ...profile("SCMP_ACT_ALLOW", [{ names: ["reboot"], action: "SCMP_ACT_ERRNO" }]),
    };
    const fields = statusFields(await inside("cat /proc/self/status", patch));
    assert.is(fields["Seccomp"], "2");
    assert.is(fields["CapEff"], "0000000000000000");
  }
});

test("without a profile there is no filter", async () => {
  assert.is(statusFields(await inside("cat /proc/self/status"))["Seccomp"], "0");
});

test("names that this architecture does not have are skipped", async () => {
  const deny = {
    names: ["no_such_call", "mkdir", "mkdirat", "arm_sync_file_range"],
    action: "SCMP_ACT_ERRNO",
  };
  assert.match(await inside(attempt, profile("SCMP_ACT_ALLOW", [deny])), /not permitted/);
});

test("a listed architecture is covered, and others are killed or refused, not let through", async () => {
  const patch = profile("SCMP_ACT_ALLOW", [{ names: makeDirectory, action: "SCMP_ACT_ERRNO" }], {
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  });
  assert.match(await inside(attempt, patch), /not permitted/);
});

test("flags of the filter are accepted", async () => {
  for (const flags of [
    [],
    ["SECCOMP_FILTER_FLAG_LOG"],
    ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
    ["SECCOMP_FILTER_FLAG_TSYNC"],
  ]) {
    const patch = profile("SCMP_ACT_ALLOW", [{ names: makeDirectory, action: "SCMP_ACT_ERRNO" }], {
      flags,
    });
    assert.match(await inside(attempt, patch), /not permitted/, flags.join());
  }
});

test("unknown actions, operators, architectures and flags are errors with their pointers", async () => {
  if (foreignRuntime) return;
  const deny = { names: ["mkdir"], action: "SCMP_ACT_ERRNO" };
  const cases: [patch: Patch, pointer: string][] = [
    [profile("SCMP_ACT_SIDEWAYS", []), "/linux/seccomp/defaultAction"],
    [profile("SCMP_ACT_ALLOW", [{ ...deny, action: "X" }]), "/linux/seccomp/syscalls/0/action"],
    [profile("SCMP_ACT_ALLOW", [{ ...deny, names: [] }]), "/linux/seccomp/syscalls/0/names"],
    [
      profile("SCMP_ACT_ALLOW", [{ ...deny, args: [{ index: 6, value: 1, op: "SCMP_CMP_EQ" }] }]),
      "/linux/seccomp/syscalls/0/args/0/index",
    ],
    [
      profile("SCMP_ACT_ALLOW", [{ ...deny, args: [{ index: 0, value: 1, op: "X" }] }]),
      "/linux/seccomp/syscalls/0/args/0/op",
    ],
    [profile("SCMP_ACT_ALLOW", [deny], { flags: ["X"] }), "/linux/seccomp/flags/0"],
    [profile("SCMP_ACT_ALLOW", [deny], { architectures: ["X"] }), "/linux/seccomp/architectures/0"],
    [
      profile("SCMP_ACT_ALLOW", [{ ...deny, action: "SCMP_ACT_KILL", errnoRet: 5 }]),
      "/linux/seccomp/syscalls/0/errnoRet",
    ],
  ];
  for (const [patch, pointer] of cases) {
    const { code, stderr } = await run(patch);
    assert.is(code, 1, pointer);
    assert.ok(stderr.includes(pointer), `${pointer}: ${stderr}`);
  }
});

test("a profile that denies execve fails start, and the container is stopped and deletable", async () => {
  const deny = { names: ["execve", "execveat"], action: "SCMP_ACT_ERRNO" };
  const patch = profile("SCMP_ACT_ALLOW", [deny]);
  await withContainer(withScript("true", patch), async ({ id, does, becomes }) => {
    const { code, stderr } = await runt(["start", id]);
    assert.is(code, 1, stderr);
    assert.match(stderr, /operation not permitted/i);
    await becomes("stopped");
    await does("delete");
  });
});

test("a profile that kills for everything but the program's own calls lets it run", async () => {
  const kill = profile("SCMP_ACT_KILL_PROCESS", [
    { names: await namesBut([]), action: "SCMP_ACT_ALLOW" },
  ]);
  const { code, stderr } = await run({ process: { args: ["/bin/true"] }, ...kill });
  assert.is(code, 0, stderr);
});

test("a big profile works: 350 names, and 100 rules with conditions", async () => {
  const names = await namesBut(makeDirectory);
  const conditions = Array.from({ length: 100 }, (_, value) => ({
    names: ["personality"],
    action: "SCMP_ACT_ALLOW",
    args: [{ index: 0, value, op: "SCMP_CMP_EQ" }],
  }));
  const patch = profile("SCMP_ACT_ERRNO", [{ names, action: "SCMP_ACT_ALLOW" }, ...conditions]);
  assert.match(await inside(attempt, patch), /not permitted/);
});

runTests();
