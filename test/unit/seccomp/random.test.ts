import { test } from "uvu";
import * as assert from "uvu/assert";
import { NATIVE } from "../../../runtime/seccomp/arch/machine.ts";
import { compileSeccomp } from "../../../runtime/seccomp/compile.ts";
import { seccompProblems } from "../../../runtime/seccomp/refuse.ts";
import { bpfMachine, checkBpf } from "../../support/bpf-machine.ts";
import { randomFrom } from "../../support/random.ts";
import { randomCall, randomProfile } from "../../support/seccomp-random.ts";
import { verdictOf } from "../../support/seccomp-verdict.ts";

const PROFILES = 800;
const CALLS = 30;

test("a compiled filter answers random calls as its random profile says", () => {
  for (let seed = 0; seed < PROFILES; seed += 1) {
    const random = randomFrom(seed);
    const profile = randomProfile(random);
    assert.equal(seccompProblems(profile), []);
    const machine = seed % 4 === 0 ? "aarch64" : "x86_64";
    const filter = compileSeccomp(profile, machine);
    if (filter === undefined) throw new Error(`no filter from seed ${seed}`);
    checkBpf(filter.program);
    const run = bpfMachine(filter.program);
    for (let call = 0; call < CALLS; call += 1) {
      const data = randomCall(random);
      const found = run(data).action;
      const wanted = verdictOf(profile, data, NATIVE[machine]);
      if (found !== wanted) {
        assert.unreachable(
          `seed ${seed}: ${found} instead of ${wanted} on ${machine} for ${text({ profile, data })}`,
        );
      }
    }
  }
});

test.run();

function text(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part), 1);
}
