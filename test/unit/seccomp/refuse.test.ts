import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../../runtime/seccomp/profile.ts";
import { seccompProblems } from "../../../runtime/seccomp/refuse.ts";
import sample from "../../support/seccomp-sample.json";

test("a good profile has no problems", () => {
  assert.equal(seccompProblems(sample), []);
});

test("a profile that asks for no filter has no problems, whatever else it says", () => {
  assert.equal(seccompProblems({}), []);
  assert.equal(seccompProblems({ defaultAction: "", flags: ["NO_SUCH"], syscalls: [] }), []);
});

test("unknown names are refused where they stand", () => {
  const profile = {
    defaultAction: "SCMP_ACT_NONE",
    architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_Z80", "SCMP_ARCH_AARCH64", "SCMP_ARCH_SHEB"],
    flags: ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_NONE"],
    syscalls: [{ names: ["read"], action: "", args: [{ index: 0, value: 0, op: "SCMP_CMP_IN" }] }],
  };
  assert.equal(found(profile), [
    '/defaultAction: action "SCMP_ACT_NONE" is unknown',
    '/architectures/1: architecture "SCMP_ARCH_Z80" is unknown',
    '/flags/1: flag "SECCOMP_FILTER_FLAG_NONE" is unknown',
    "/syscalls/0/action: action is missing",
    '/syscalls/0/args/0/op: operator "SCMP_CMP_IN" is unknown',
  ]);
  assert.equal(found({ syscalls: [entry({})] }), ["/defaultAction: action is missing"]);
});

test("an errno for an action without one is refused", () => {
  const rules = [
    entry({ action: "SCMP_ACT_KILL", errnoRet: 1 }),
    entry({ action: "SCMP_ACT_TRACE", errnoRet: 1 }),
    entry({ action: "SCMP_ACT_ERRNO", errnoRet: 65536 }),
    entry({ action: "SCMP_ACT_ERRNO", errnoRet: -1 }),
  ];
  assert.equal(found({ defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 0, syscalls: rules }), [
    "/defaultErrnoRet: SCMP_ACT_ALLOW takes no errno, SCMP_ACT_ERRNO and SCMP_ACT_TRACE do",
    "/syscalls/0/errnoRet: SCMP_ACT_KILL takes no errno, SCMP_ACT_ERRNO and SCMP_ACT_TRACE do",
    "/syscalls/2/errnoRet: 65536 is not an errno, wanted 0 to 65535",
    "/syscalls/3/errnoRet: -1 is not an errno, wanted 0 to 65535",
  ]);
});

test("empty names are refused", () => {
  const syscalls = [entry({ names: [] }), entry({ names: ["read", ""] })];
  assert.equal(found({ defaultAction: "SCMP_ACT_ALLOW", syscalls }), [
    "/syscalls/0/names: names is empty, wanted at least one system call",
    "/syscalls/1/names/1: the name of a system call is empty",
  ]);
});

test("arguments beyond the sixth and values that are not exactly known are refused", () => {
  const args = [
    arg({ index: 5, value: 2n ** 64n - 1n }),
    arg({ index: 6 }),
    arg({ value: 2 ** 53 }),
    arg({ value: 2n ** 64n }),
    arg({ valueTwo: -1 }),
  ];
  assert.equal(found({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [entry({ args })] }), [
    "/syscalls/0/args/1/index: argument 6 does not exist, wanted 0 to 5",
    "/syscalls/0/args/2/value: 9007199254740992 is not an unsigned integer of 64 bits, known exactly",
    "/syscalls/0/args/3/value: 18446744073709551616 is not an unsigned integer of 64 bits, known exactly",
    "/syscalls/0/args/4/valueTwo: -1 is not an unsigned integer of 64 bits, known exactly",
  ]);
});

test("notification is refused where nobody could answer", () => {
  const notify = entry({ names: ["read", "write"], action: "SCMP_ACT_NOTIFY" });
  assert.equal(found({ defaultAction: "SCMP_ACT_NOTIFY", syscalls: [notify] }), [
    "/defaultAction: SCMP_ACT_NOTIFY cannot be the default, as in other runtimes: not even the end would be free",
    ": SCMP_ACT_NOTIFY is used, but listenerPath is missing",
    "/syscalls/0/names/1: write cannot have SCMP_ACT_NOTIFY, as in other runtimes",
  ]);
  const flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
  assert.equal(found({ defaultAction: "SCMP_ACT_ALLOW", flags, listenerMetadata: "x" }), [
    `/flags/0: ${flags[0]} is about calls that wait for an agent: no rule has SCMP_ACT_NOTIFY`,
    "/listenerMetadata: listenerMetadata is of no use without listenerPath",
  ]);
});

test.run();

/** Problems as "pointer below /linux/seccomp: message". */
function found(profile: Seccomp): string[] {
  return seccompProblems(profile).map(({ pointer, message, spec }) => {
    assert.is(spec, "config-linux.md#seccomp");
    assert.ok(pointer.startsWith("/linux/seccomp"));
    return `${pointer.slice("/linux/seccomp".length)}: ${message}`;
  });
}

function entry(part: Partial<SeccompSyscall>): SeccompSyscall {
  return { names: ["read"], action: "SCMP_ACT_ERRNO", ...part };
}

function arg(part: Partial<SeccompArg>): SeccompArg {
  return { index: 0, value: 0, op: "SCMP_CMP_EQ", ...part };
}
