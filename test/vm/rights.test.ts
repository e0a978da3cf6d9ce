// What takes rights that root of the tests' host may lack: every capability, limits above the
// caller's, a lower score for the OOM killer, realtime; and a kernel that promises no more memory
// than it has.

import { readFileSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { inUserNamespace, type Patch } from "../support/bundle.ts";
import { inside, run, withScript } from "../support/container.ts";
import { readProc, statusFields } from "../support/process.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const unlimited: Patch = { linux: { resources: undefined } };
const sets = ["bounding", "permitted", "effective", "inheritable", "ambient"];

async function everyCapability(): Promise<Patch> {
  const { linux } = JSON.parse((await runt(["features"])).stdout);
  return Object.fromEntries(sets.map((set) => [set, linux.capabilities]));
}

test("root of this machine has every capability of its kernel", () => {
  const last = Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
  const all = (2n ** BigInt(last + 1) - 1n).toString(16).padStart(16, "0");
  assert.is(statusFields(readProc("self", "status"))["CapEff"], all);
});

for (const [where, linux] of [
  ["in the user namespace of the host", unlimited["linux"]],
  ["in a user namespace of its own", { ...inUserNamespace, resources: undefined }],
] as const) {
  test(`${where} a program has all that root may give it`, async () => {
    const through = [
      ...["sh", "-c", 'echo 300 > /proc/self/oom_score_adj; exec "$@"', "sh"],
      ...["prlimit", "--memlock=4096:8192", "--nofile=512:1024", "--"],
    ];
    const process = {
      capabilities: await everyCapability(),
      oomScoreAdj: -1000,
      rlimits: [
        { type: "RLIMIT_MEMLOCK", soft: 16_384, hard: 32_768 },
        { type: "RLIMIT_NOFILE", soft: 2048, hard: 4096 },
        { type: "RLIMIT_RTPRIO", soft: 10, hard: 20 },
      ],
      scheduler: { policy: "SCHED_FIFO", priority: 42 },
      ioPriority: { class: "IOPRIO_CLASS_RT", priority: 2 },
    };
    const text =
      "cat /proc/$$/status /proc/$$/limits; echo; echo score $(cat /proc/$$/oom_score_adj);" +
      " echo policy $(cut -d' ' -f40-41 /proc/$$/stat); busybox ionice -p $$";
    const found = await inside(text, { process, linux: linux ?? {} }, { through });
    const own = statusFields(readProc("self", "status"))["CapEff"];
    const fields = statusFields(found);
    for (const set of ["CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"]) {
      assert.is(fields[set], own, set);
    }
    assert.match(found, /Max locked memory +16384 +32768 /);
    assert.match(found, /Max open files +2048 +4096 /);
    assert.match(found, /Max realtime priority +10 +20 /);
    assert.match(found, /^score -1000$/m);
    assert.match(found, /^policy 42 1$/m);
    assert.match(found, /^realtime: prio 2$/m);
  });
}

test("SCHED_RR and SCHED_DEADLINE are set", async () => {
  const deadline = {
    policy: "SCHED_DEADLINE",
    runtime: 5_000_000,
    deadline: 50_000_000,
    period: 100_000_000,
  };
  for (const [scheduler, policy] of [
    [{ policy: "SCHED_RR", priority: 7 }, "2"],
    [deadline, "6"],
  ] as const) {
    const process = { args: ["/bin/cat", "/proc/self/stat"], scheduler };
    const { code, stdout, stderr } = await run({ ...unlimited, process });
    assert.is(code, 0, stderr);
    assert.is(stdout.split(" ")[40], policy);
  }
});

test("containers are made where the kernel promises no more memory than it has", async () => {
  const file = "/proc/sys/vm/overcommit_memory";
  const before = readFileSync(file, "utf8");
  writeFileSync(file, "2");
  try {
    for (const linux of [{ resources: undefined }, { ...inUserNamespace, resources: undefined }]) {
      const { code, stdout, stderr } = await run(withScript("echo alive", { linux }));
      assert.equal({ code, stdout, stderr }, { code: 0, stdout: "alive\n", stderr: "" });
    }
  } finally {
    writeFileSync(file, before);
  }
});

runTests();
