import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Seccomp, SeccompSyscall } from "../../../runtime/seccomp/profile.ts";
import { seccompProblems } from "../../../runtime/seccomp/refuse.ts";
import sample from "../../support/seccomp-sample.json";

test("a good profile has no problems", () => {
  assert.equal(seccompProblems(sample), []);
});

test("an errno has 16 bits", () => {
  const rules = [0, 4096, 65535, 65536].map((errnoRet) => entry({ errnoRet }));
  const profile = { defaultAction: "SCMP_ACT_TRACE", defaultErrnoRet: 65536n, syscalls: rules };
  assert.equal(found(profile), [
    "/defaultErrnoRet: 65536 is not an errno, wanted 0 to 65535",
    "/syscalls/3/errnoRet: 65536 is not an errno, wanted 0 to 65535",
  ]);
});

test("notification is refused where nobody could answer", () => {
  const notify = entry({ names: ["read", "write"], action: "SCMP_ACT_NOTIFY" });
  assert.equal(found({ defaultAction: "SCMP_ACT_NOTIFY", syscalls: [notify] }), [
    "/defaultAction: SCMP_ACT_NOTIFY cannot be the default, as in other runtimes: not even the end would be free",
    "/syscalls/0/names/1: write cannot have SCMP_ACT_NOTIFY, as in other runtimes",
  ]);
  const flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
  assert.equal(found({ defaultAction: "SCMP_ACT_ALLOW", flags }), [
    `/flags/0: ${flags[0]} is about calls that wait for an agent: no rule has SCMP_ACT_NOTIFY`,
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
