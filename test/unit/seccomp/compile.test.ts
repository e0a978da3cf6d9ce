import { test } from "uvu";
import * as assert from "uvu/assert";
import { AARCH64 } from "../../../runtime/seccomp/arch/aarch64.ts";
import { ARM } from "../../../runtime/seccomp/arch/arm.ts";
import { X32 } from "../../../runtime/seccomp/arch/x32.ts";
import { X86 } from "../../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../../runtime/seccomp/arch/x86_64.ts";
import { compileSeccomp, type SeccompFilter } from "../../../runtime/seccomp/compile.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../../runtime/seccomp/profile.ts";
import { checkBpf, disassemble, runBpf } from "../../support/bpf-machine.ts";
import { numberOf } from "../../support/seccomp-numbers.ts";
import sample from "../../support/seccomp-sample.json";

const ALLOW = 0x7fff0000;
const KILL_THREAD = 0;
const EPERM = 0x50001;
const EACCES = 0x5000d;
const ENOSYS = 0x50026;

const ARCHS = { 64: X86_64, 32: X86, x32: X32 };

test("a small profile compiles to this program", () => {
  const { program } = compiled({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [
      allow("read", "write", "close"),
      { ...allow("personality"), args: [eq(0, 8)] },
      { ...allow("clone"), args: [{ index: 0, value: 0x7e020000, op: "SCMP_CMP_MASKED_EQ" }] },
    ],
  });
  assert.is(
    disassemble(program),
    `  0 ld [4]
  1 jeq 0xc000003e 2 else 20
  2 ld [0]
  3 jge 0x88 16 else 4
  4 jge 0x4 6 else 5
  5 jeq 0x2 19 else 15
  6 jeq 0x38 7 else 10
  7 ld [16]
  8 and 0x7e020000
  9 jeq 0x0 15 else 19
 10 jeq 0x87 11 else 19
 11 ld [20]
 12 jeq 0x0 13 else 19
 13 ld [16]
 14 jeq 0x8 15 else 19
 15 ret 0x7fff0000
 16 jge 0x40000000 18 else 17
 17 ret 0x50026
 18 jge 0xffffffff 19 else 20
 19 ret 0x50001
 20 ret 0x0
`,
  );
});

test("a profile without default action and system calls is no filter", () => {
  assert.is(compileSeccomp({}, "x86_64"), undefined);
  assert.is(compileSeccomp({ defaultAction: "", syscalls: [] }, "x86_64"), undefined);
  assert.is(verdict({ defaultAction: "SCMP_ACT_ALLOW" }, "mount"), ALLOW);
});

test("every action becomes the kernel's value", () => {
  const values = {
    SCMP_ACT_KILL: 0,
    SCMP_ACT_KILL_THREAD: 0,
    SCMP_ACT_KILL_PROCESS: 0x80000000,
    SCMP_ACT_TRAP: 0x30000,
    SCMP_ACT_ERRNO: EPERM,
    SCMP_ACT_TRACE: 0x7ff00001,
    SCMP_ACT_LOG: 0x7ffc0000,
    SCMP_ACT_ALLOW: ALLOW,
    SCMP_ACT_NOTIFY: 0x7fc00000,
  };
  for (const [action, value] of Object.entries(values)) {
    assert.is(verdict({ defaultAction: action }, "read"), value, action);
    const profile = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 99 };
    assert.is(verdict({ ...profile, syscalls: [{ names: ["read"], action }] }, "read"), value);
  }
  // The kernel takes what is above 4095 for 4095.
  for (const errnoRet of [0, 4095, 4096, 0xffff]) {
    const rule = { names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet };
    const found = verdict({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }, "read");
    assert.is(found, 0x50000 + errnoRet);
  }
  const errno = { names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet: 13n };
  assert.is(verdict({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [errno] }, "read"), EACCES);
});

test("a rule without conditions wins over rules with conditions, before or after it", () => {
  const plain = deny(13, "read");
  const narrow = { ...deny(1, "read"), args: [eq(0, 5)] };
  for (const syscalls of [
    [plain, narrow],
    [narrow, plain],
  ]) {
    assert.is(verdict({ defaultAction: "SCMP_ACT_ALLOW", syscalls }, "read", [5n]), EACCES);
  }
});

test("of two rules without conditions the first wins", () => {
  const syscalls = [deny(13, "read"), deny(1, "read")];
  assert.is(verdict({ defaultAction: "SCMP_ACT_ALLOW", syscalls }, "read"), EACCES);
});

test("a rule with the default action does not shadow another", () => {
  const syscalls = [deny(1, "read"), allow("read")];
  assert.is(verdict({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, "read"), ALLOW);
  const different = [deny(13, "read"), allow("read")];
  assert.is(verdict({ defaultAction: "SCMP_ACT_ERRNO", syscalls: different }, "read"), EACCES);
});

test("conditions on different arguments must all hold", () => {
  const profile = oneRule([eq(0, 1), eq(2, 3)]);
  assert.is(verdict(profile, "read", [1n, 0n, 3n]), EPERM);
  assert.is(verdict(profile, "read", [1n, 0n, 4n]), ALLOW);
  assert.is(verdict(profile, "read", [0n, 0n, 3n]), ALLOW);
});

test("with two conditions on one argument any condition of the rule is enough", () => {
  const profile = oneRule([eq(0, 1), eq(0, 2), eq(1, 7)]);
  assert.is(verdict(profile, "read", [2n, 0n]), EPERM);
  assert.is(verdict(profile, "read", [0n, 7n]), EPERM);
  assert.is(verdict(profile, "read", [3n, 0n]), ALLOW);
});

test("where rules overlap, the later argument, then the tighter limit is tried first", () => {
  const rules = (...parts: { errnoRet: number; args: SeccompArg[] }[]) => ({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: parts.map(({ errnoRet, args }) => ({ ...deny(errnoRet, "read"), args })),
  });
  const above = (value: number) => ({ index: 0, value, op: "SCMP_CMP_GT" });
  const byLimit = rules({ errnoRet: 1, args: [above(5)] }, { errnoRet: 13, args: [above(9)] });
  assert.is(verdict(byLimit, "read", [10n]), EACCES);
  assert.is(verdict(byLimit, "read", [6n]), EPERM);
  const below = (value: number) => ({ index: 0, value, op: "SCMP_CMP_LT" });
  const byUpper = rules({ errnoRet: 1, args: [below(9)] }, { errnoRet: 13, args: [below(5)] });
  assert.is(verdict(byUpper, "read", [4n]), EACCES);
  assert.is(verdict(byUpper, "read", [8n]), EPERM);
  const byOperator = rules({ errnoRet: 1, args: [above(5)] }, { errnoRet: 13, args: [below(9)] });
  assert.is(verdict(byOperator, "read", [7n]), EACCES);
  const byIndex = rules({ errnoRet: 1, args: [eq(0, 1)] }, { errnoRet: 13, args: [eq(1, 1)] });
  assert.is(verdict(byIndex, "read", [1n, 1n]), EACCES);
  const mask = (value: number) => ({ index: 0, value, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" });
  const byPlace = rules({ errnoRet: 1, args: [mask(1)] }, { errnoRet: 13, args: [mask(3)] });
  assert.is(verdict(byPlace, "read", [4n]), EPERM);
});

test("operators compare 64 bits without sign", () => {
  const big = 2n ** 63n + 5n;
  const cases: [string, bigint, bigint][] = [
    ["NE", big, big + 1n],
    ["LT", big, big - 1n],
    ["LE", big, big],
    ["EQ", big, big],
    ["GE", big, big],
    ["GT", big, big + 1n],
  ];
  const others: Record<string, bigint[]> = {
    NE: [big],
    LT: [big, 2n ** 64n - 1n],
    LE: [big + 1n],
    EQ: [5n, 2n ** 63n],
    GE: [big - 1n, 5n, 0xffffffffn],
    GT: [big, 0xffffffffn],
  };
  for (const [op, value, match] of cases) {
    const profile = oneRule([{ index: 3, value, op: `SCMP_CMP_${op}` }]);
    assert.is(verdict(profile, "read", [0n, 0n, 0n, match]), EPERM, op);
    for (const other of others[op] ?? []) {
      assert.is(verdict(profile, "read", [0n, 0n, 0n, other]), ALLOW, `${op} ${other}`);
    }
  }
});

test("MASKED_EQ takes the mask from value and the wanted bits from valueTwo", () => {
  const masked = {
    index: 1,
    value: 0xf000000f0n,
    valueTwo: 0x300000020n,
    op: "SCMP_CMP_MASKED_EQ",
  };
  assert.is(verdict(oneRule([masked]), "read", [0n, 0xa3000aaa2an]), EPERM);
  assert.is(verdict(oneRule([masked]), "read", [0n, 0xa3000aaa3an]), ALLOW);
  assert.is(verdict(oneRule([masked]), "read", [0n, 0xa4000aaa2an]), ALLOW);
  const nothing = { index: 1, value: 0, valueTwo: 7, op: "SCMP_CMP_MASKED_EQ" };
  assert.is(verdict(oneRule([nothing]), "read", [0n, 5n]), EPERM);
});

test("calls by architectures that the profile does not have kill the thread", () => {
  const profile = { defaultAction: "SCMP_ACT_ERRNO", syscalls: [allow("read")] };
  const both = { ...profile, architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_X86"] };
  assert.is(verdict(profile, "read", [], 32), KILL_THREAD);
  assert.is(verdict(profile, "read", [], "x32"), KILL_THREAD);
  assert.is(verdict(both, "read"), ALLOW);
  assert.is(verdict(both, "read", [], 32), ALLOW);
  assert.is(verdict(both, "read", [], "x32"), ALLOW);
  const { program } = compiled({ ...profile, architectures: ["SCMP_ARCH_MIPS"] });
  assert.is(runBpf(program, { nr: 4003, arch: 8, args: [] }), KILL_THREAD);
  // What a tracer made the kernel skip is no call of x32.
  assert.is(runBpf(program, { nr: 0xffffffff, arch: X86_64.audit, args: [] }), EPERM);
});

test("i386 is compared in 32 bits, so that -1 matches as programs pass it", () => {
  const all = { ...oneRule([eq(0, 2n ** 64n - 1n)]), architectures: ["SCMP_ARCH_X86"] };
  assert.is(verdict(all, "read", [0xffffffffn], 32), EPERM);
  assert.is(verdict(all, "read", [0xffffffffn], 64), ALLOW);
});

test("a rule for a socket call also holds for socketcall(2)", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86"],
    syscalls: [deny(1, "connect"), { ...deny(13, "bind"), args: [eq(0, 9), eq(2, 4)] }],
  };
  assert.is(verdict(profile, "connect", [], 32), EPERM);
  assert.is(verdict(profile, "socketcall", [3n], 32), EPERM);
  assert.is(verdict(profile, "socketcall", [4n], 32), ALLOW);
  assert.is(verdict(profile, "socketcall", [2n, 0n, 4n], 32), EACCES);
});

test("calls newer than the newest in the profile do not exist, unless the default lets through", () => {
  const syscalls = [allow("read", "openat2", "no_such_call")];
  const strict = { defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls };
  assert.is(verdict(strict, "openat2"), ALLOW);
  assert.is(verdict(strict, "close_range"), 0x80000000);
  assert.is(verdict(strict, "pidfd_getfd"), ENOSYS);
  for (const action of ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"]) {
    const lax = { defaultAction: action, syscalls: [deny(2, "openat2")] };
    assert.is.not(verdict(lax, "pidfd_getfd"), ENOSYS, action);
  }
  const own = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38, syscalls };
  assert.is(verdict(own, "pidfd_getfd"), ENOSYS);
  // A rule with the default action names its call as well.
  const named = { ...strict, syscalls: [{ names: ["mseal"], action: "SCMP_ACT_KILL_PROCESS" }] };
  assert.is(verdict(named, "pidfd_getfd"), 0x80000000);
  assert.is(verdict(named, "setxattrat"), ENOSYS);
  assert.is(verdict({ defaultAction: "SCMP_ACT_ERRNO" }, "setxattrat"), EPERM);
});

test("names that are no system calls are skipped", () => {
  const syscalls = [allow("read", "no_such_call", "", "0", "424", "constructor", "__proto__")];
  const { program } = compiled({ defaultAction: "SCMP_ACT_ERRNO", syscalls });
  const without = compiled({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [allow("read")] });
  assert.equal(program, without.program);
});

test("a listed architecture is filtered whatever the machine is, if it has a table", () => {
  const architectures = [
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_ARM",
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_SHEB",
  ];
  const syscalls = [allow("read", "mseal", "cacheflush")];
  const profile = { defaultAction: "SCMP_ACT_ERRNO", architectures, syscalls };
  for (const machine of ["x86_64", "aarch64"] as const) {
    const { program } = compileSeccomp(profile, machine) ?? {};
    if (program === undefined) throw new Error(machine);
    checkBpf(program);
    const verdictAt = (arch: number, nr: number) => runBpf(program, { nr, arch, args: [] });
    assert.is(verdictAt(AARCH64.audit, 63), ALLOW);
    assert.is(verdictAt(AARCH64.audit, 62), EPERM);
    assert.is(verdictAt(ARM.audit, 3), ALLOW);
    // ARM's own calls do not count as the newest that the profile names.
    assert.is(verdictAt(ARM.audit, 0xf0002), ALLOW);
    assert.is(verdictAt(ARM.audit, 463), ENOSYS);
    assert.is(verdictAt(X86_64.audit, 0), ALLOW);
    assert.is(verdictAt(X86.audit, 3), KILL_THREAD);
    const alone = compileSeccomp({ ...profile, architectures: [] }, machine);
    const foreign = machine === "x86_64" ? AARCH64 : X86_64;
    const data = { nr: 0, arch: foreign.audit, args: [] };
    assert.is(alone && runBpf(alone.program, data), KILL_THREAD);
  }
});

test("without flags the filter asks for SPEC_ALLOW, with an empty list for nothing", () => {
  const flagsOf = (profile: Seccomp) =>
    compiled({ defaultAction: "SCMP_ACT_ALLOW", ...profile }).flags;
  assert.is(flagsOf({}), 4);
  assert.is(flagsOf({ flags: [] }), 0);
  const notify = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }];
  const killable = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
  // With SECCOMP_FILTER_FLAG_NEW_LISTENER.
  assert.is(flagsOf({ syscalls: notify, flags: [] }), 8);
  assert.is(flagsOf({ syscalls: notify, flags: killable }), 0x28);
  assert.is(flagsOf({ flags: ["SECCOMP_FILTER_FLAG_LOG"] }), 2);
  assert.is(flagsOf({ flags: ["SECCOMP_FILTER_FLAG_TSYNC"] }), 0);
  const both = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"];
  assert.is(flagsOf({ flags: both }), 6);
});

test("a long profile for three architectures takes a few hundred instructions", () => {
  const { program, instructions } = compiled(sample);
  assert.is(program.length, 8 * instructions);
  assert.ok(instructions < 300, `${instructions} instructions`);
});

test("values of one argument are tested one after the other, with one look at the argument", () => {
  const values = [1, 2, 3, 2 ** 32 + 1, 2 ** 32 + 2];
  const { instructions } = compiled(oneRule(values.map((value) => eq(0, value))));
  const { instructions: without } = compiled(oneRule([eq(0, 1)]));
  // One more for each value; for another upper half its test and two loads.
  assert.is(instructions - without, values.length - 1 + 3);
});

test("jumps reach over thousands of instructions", () => {
  const names = sample.syscalls.flatMap((entry) => entry.names).slice(0, 150);
  const syscalls = names.map((name, at) => ({
    ...deny(1, name),
    args: [0, 1, 2, 3].map((index) => ({ index, value: 1000 * at, op: "SCMP_CMP_LE" })),
  }));
  const { program, instructions } = compiled({ defaultAction: "SCMP_ACT_ALLOW", syscalls });
  assert.ok(instructions > 2000, `${instructions} instructions`);
  for (const [at, name] of names.entries()) {
    const nr = numberOf(X86_64, name);
    if (nr === undefined) continue;
    const limit = BigInt(1000 * at);
    const data = { nr, arch: X86_64.audit, args: [limit, limit, limit, limit] };
    assert.is(runBpf(program, data), EPERM, name);
    assert.is(runBpf(program, { ...data, args: [0n, 0n, 0n, limit + 1n] }), ALLOW, name);
  }
});

test("a profile that needs more instructions than the kernel takes is an error", () => {
  const args = Array.from({ length: 5000 }, (_, value) => eq(0, value));
  assert.throws(
    () => compiled(oneRule(args)),
    /needs more than the 4096 instructions that the kernel allows/,
  );
});

test.run();

function compiled(profile: Seccomp): SeccompFilter {
  const filter = compileSeccomp(profile, "x86_64");
  if (filter === undefined) throw new Error("the profile is disabled");
  checkBpf(filter.program);
  return filter;
}

function verdict(
  profile: Seccomp,
  name: string,
  args: bigint[] = [],
  by: keyof typeof ARCHS = 64,
): number {
  const arch = ARCHS[by];
  const nr = numberOf(arch, name);
  if (nr === undefined) throw new Error(name);
  return runBpf(compiled(profile).program, { nr, arch: arch.audit, args });
}

/** A profile that answers EPERM to read(2) under these conditions, and allows the rest. */
function oneRule(args: SeccompArg[]): Seccomp {
  return { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ ...deny(1, "read"), args }] };
}

function allow(...names: string[]): SeccompSyscall {
  return { names, action: "SCMP_ACT_ALLOW" };
}

function deny(errnoRet: number, ...names: string[]): SeccompSyscall {
  return { names, action: "SCMP_ACT_ERRNO", errnoRet };
}

function eq(index: number, value: number | bigint): SeccompArg {
  return { index, value, op: "SCMP_CMP_EQ" };
}
