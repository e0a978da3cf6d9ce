// scheduler, ioPriority, personality and memoryPolicy, as the program and the host see them.

import { existsSync } from "node:fs";
import * as assert from "uvu/assert";
import { bundle, inUserNamespace, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, succeeded, withContainer, withScript } from "../support/container.ts";
import { readProc } from "../support/process.ts";
import { refusesPatch } from "../support/refusal.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

/** Where the kernel shares realtime out among cgroups (CONFIG_RT_GROUP_SCHED). */
const groupsRealtime = existsSync("/sys/fs/cgroup/cpu/cpu.rt_runtime_us");
const hasNuma =
  existsSync("/sys/devices/system/node/node0") && readProc("self", "numa_maps") !== "";

/** Numbers of the policies in /proc/PID/stat. */
const POLICY = { other: 0, fifo: 1, rr: 2, batch: 3, idle: 5, deadline: 6 };

interface Scheduled {
  nice: number;
  priority: number;
  policy: number;
}

/** Of a line of /proc/PID/stat (proc_pid_stat(5)). */
function scheduled(stat: string): Scheduled {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { nice: Number(fields[16]), priority: Number(fields[37]), policy: Number(fields[38]) };
}

/** What the program itself is scheduled as; under SCHED_DEADLINE it could not fork to look. */
async function ofProgram(scheduler: Json, patch: Patch = {}): Promise<Scheduled> {
  const process = { args: ["/bin/cat", "/proc/self/stat"], scheduler };
  const { code, stdout, stderr } = await run({ ...patch, process });
  assert.is(code, 0, stderr);
  return scheduled(stdout);
}

const realtime: Patch = groupsRealtime
  ? { linux: { resources: { cpu: { realtimeRuntime: 20_000, realtimePeriod: 1_000_000 } } } }
  : {};

test("SCHED_OTHER, SCHED_BATCH and SCHED_IDLE are set, with their nice values", async () => {
  const { other, batch, idle } = POLICY;
  assert.equal(await ofProgram({ policy: "SCHED_OTHER", nice: -7 }), {
    policy: other,
    nice: -7,
    priority: 0,
  });
  assert.equal(await ofProgram({ policy: "SCHED_BATCH", nice: 19 }), {
    policy: batch,
    nice: 19,
    priority: 0,
  });
  assert.is((await ofProgram({ policy: "SCHED_IDLE" })).policy, idle);
});

test("SCHED_FIFO and SCHED_RR are set, with their priorities", async () => {
  const { fifo, rr } = POLICY;
  const byFifo = await ofProgram({ policy: "SCHED_FIFO", priority: 10 }, realtime);
  assert.equal([byFifo.policy, byFifo.priority], [fifo, 10]);
  const flags = ["SCHED_FLAG_RESET_ON_FORK"];
  const byRr = await ofProgram({ policy: "SCHED_RR", priority: 99, flags }, realtime);
  assert.equal([byRr.policy, byRr.priority], [rr, 99]);
});

test("a flag has its effect: children are scheduled as others again", async () => {
  const flags = ["SCHED_FLAG_RESET_ON_FORK"];
  const process = { scheduler: { policy: "SCHED_OTHER", nice: -5, flags } };
  const text = await inside("cat /proc/self/stat; cat /proc/$$/stat; true", { process });
  const [child = "", parent = ""] = text.split("\n");
  assert.equal([scheduled(parent).nice, scheduled(child).nice], [-5, 0]);
});

test("SCHED_DEADLINE is set with its times, also after hooks that need a fork", async () => {
  const scheduler = {
    policy: "SCHED_DEADLINE",
    runtime: 5_000_000,
    deadline: 50_000_000,
    period: 100_000_000,
  };
  const hooks = { startContainer: [{ path: "/bin/true" }] };
  for (const patch of [{}, { hooks }]) {
    const process = { args: ["/bin/cat", "/proc/self/stat", "/proc/self/sched"], scheduler };
    const { code, stdout, stderr } = await run({ ...patch, process });
    assert.is(code, 0, stderr);
    assert.is(scheduled(stdout.split("\n")[0] ?? "").policy, POLICY.deadline);
    assert.match(stdout, /dl\.runtime.*\b\d+/);
  }
});

test("where the kernel groups realtime, an error of create names cpu.rt_runtime", async () => {
  if (foreignRuntime) return;
  if (!groupsRealtime) {
    console.log("not tried: this kernel shares no realtime out among cgroups");
    return;
  }
  const scheduler = { policy: "SCHED_FIFO", priority: 1 };
  await refusesPatch(
    { process: { scheduler } },
    /\/process\/scheduler.*operation not permitted.*cpu\.rt_runtime/,
  );
});

test("what no kernel can do is an error of create that says so", async () => {
  if (foreignRuntime) return;
  await refusesPatch({ process: { scheduler: { policy: "SCHED_ISO" } } }, /SCHED_ISO.*reserved/);
  const slow = { policy: "SCHED_DEADLINE", runtime: 5e9, deadline: 5e9, period: 5e12 };
  await refusesPatch({ process: { scheduler: slow } }, /SCHED_DEADLINE.*sched_deadline_period_max/);
});

const wrong: [what: string, scheduler: Json, pattern: RegExp][] = [
  ["no policy", { nice: 1 }, /\/process\/scheduler.*policy/],
  ["an unknown policy", { policy: "SCHED_NONE" }, /\/process\/scheduler\/policy.*SCHED_NONE/],
  ["a nice value of 20", { policy: "SCHED_OTHER", nice: 20 }, /\/scheduler\/nice.*20/],
  ["a nice value of -21", { policy: "SCHED_BATCH", nice: -21 }, /\/scheduler\/nice.*-21/],
  ["a priority of others", { policy: "SCHED_OTHER", priority: 1 }, /\/scheduler\/priority/],
  ["no priority of SCHED_FIFO", { policy: "SCHED_FIFO" }, /\/scheduler\/priority.*1 to 99/],
  ["a priority of 100", { policy: "SCHED_RR", priority: 100 }, /\/scheduler\/priority.*100/],
  ["a runtime of others", { policy: "SCHED_RR", priority: 1, runtime: 5 }, /\/scheduler\/runtime/],
  ["a period of others", { policy: "SCHED_IDLE", period: 5 }, /\/scheduler\/period/],
  ["an unknown flag", { policy: "SCHED_OTHER", flags: ["FAST"] }, /\/scheduler\/flags\/0.*FAST/],
  ["no times of SCHED_DEADLINE", { policy: "SCHED_DEADLINE" }, /\/scheduler\/runtime/],
];

for (const [what, scheduler, pattern] of foreignRuntime ? [] : wrong) {
  test(`a scheduler with ${what} is refused`, async () => {
    await refusesPatch({ process: { scheduler } }, pattern);
  });
}

test("every class of ioPriority is set, also for what the program starts", async () => {
  const classes: [name: string, priority: number, shown: string][] = [
    ["IOPRIO_CLASS_RT", 3, "realtime: prio 3"],
    ["IOPRIO_CLASS_BE", 0, "best-effort: prio 0"],
    ["IOPRIO_CLASS_BE", 7, "best-effort: prio 7"],
    ["IOPRIO_CLASS_IDLE", 0, "idle"],
  ];
  for (const [name, priority, shown] of classes) {
    const patch = { process: { ioPriority: { class: name, priority } } };
    const text = await inside("busybox ionice -p $$; busybox ionice", patch);
    for (const line of text.trimEnd().split("\n")) assert.ok(line.startsWith(shown), text);
  }
});

const badPriorities: [Json, RegExp][] = [
  [{ class: "IOPRIO_CLASS_BE", priority: 8 }, /\/process\/ioPriority\/priority.*8.*0 to 7/],
  [{ class: "IOPRIO_CLASS_RT", priority: -1 }, /\/process\/ioPriority\/priority.*-1/],
  [{ class: "IOPRIO_CLASS_NONE", priority: 0 }, /\/process\/ioPriority\/class/],
  [{ class: "IOPRIO_CLASS_BE" }, /\/process\/ioPriority.*priority/],
  [{ priority: 1 }, /\/process\/ioPriority.*class/],
];

for (const [ioPriority, pattern] of foreignRuntime ? [] : badPriorities) {
  test(`an ioPriority ${JSON.stringify(ioPriority)} is refused`, async () => {
    await refusesPatch({ process: { ioPriority } }, pattern);
  });
}

test("the personality is set, and uname tells", async () => {
  const machine = (await inside("uname -m")).trim();
  for (const [domain, shown] of [
    ["LINUX", machine],
    ["LINUX32", machine === "x86_64" ? "i686" : "armv8l"],
  ]) {
    const patch = { linux: { personality: { domain: domain ?? "" } } };
    assert.is((await inside("uname -m", patch)).trim(), shown);
  }
});

test("a personality with flags, or an unknown one, is refused", async () => {
  if (foreignRuntime) return;
  const flagged = { linux: { personality: { domain: "LINUX", flags: ["ADDR_NO_RANDOMIZE"] } } };
  await refusesPatch(flagged, /\/linux\/personality\/flags.*ADDR_NO_RANDOMIZE/);
  await refusesPatch({ linux: { personality: { domain: "BSD" } } }, /\/linux\/personality\/domain/);
});

const policies: [policy: Record<string, Json>, shown: string][] = [
  [{ mode: "MPOL_DEFAULT" }, "default"],
  [{ mode: "MPOL_BIND", nodes: "0" }, "bind:0"],
  [{ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }, "bind=static:0"],
  [{ mode: "MPOL_INTERLEAVE", nodes: "0" }, "interleave:0"],
  [
    { mode: "MPOL_INTERLEAVE", nodes: "0-3", flags: ["MPOL_F_RELATIVE_NODES"] },
    "interleave=relative:0",
  ],
  [{ mode: "MPOL_PREFERRED", nodes: "0" }, "prefer:0"],
  [{ mode: "MPOL_PREFERRED" }, "local"],
  [{ mode: "MPOL_PREFERRED_MANY", nodes: "0" }, "prefer (many):0"],
  [{ mode: "MPOL_LOCAL" }, "local"],
];

if (!hasNuma) skip("memory policies are set", "this kernel knows no NUMA");
for (const [memoryPolicy, shown] of hasNuma ? policies : []) {
  test(`the memory policy ${JSON.stringify(memoryPolicy)} is the program's`, async () => {
    const maps = await inside("head -1 /proc/self/numa_maps", { linux: { memoryPolicy } });
    assert.ok(maps.includes(` ${shown} `), maps);
  });
}

test("a memory policy that the kernel does not take is an error of create with a hint", async () => {
  if (foreignRuntime || !hasNuma) return;
  const memoryPolicy = { mode: "MPOL_BIND", nodes: "1000" };
  await refusesPatch({ linux: { memoryPolicy } }, /\/linux\/memoryPolicy.*MPOL_BIND 1000.*hint/);
});

const badPolicies: [Json, RegExp][] = [
  [{ mode: "MPOL_NONE" }, /\/linux\/memoryPolicy\/mode.*MPOL_NONE/],
  [{ nodes: "0" }, /\/linux\/memoryPolicy.*mode/],
  [{ mode: "MPOL_BIND" }, /\/linux\/memoryPolicy.*node/],
  [{ mode: "MPOL_LOCAL", nodes: "0" }, /\/linux\/memoryPolicy\/nodes/],
  [{ mode: "MPOL_BIND", nodes: "0-" }, /\/linux\/memoryPolicy\/nodes.*0-/],
  [{ mode: "MPOL_BIND", nodes: "0", flags: ["STATIC"] }, /\/linux\/memoryPolicy\/flags\/0/],
  [
    {
      mode: "MPOL_BIND",
      nodes: "0",
      flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"],
    },
    /\/linux\/memoryPolicy\/flags/,
  ],
];

for (const [memoryPolicy, pattern] of foreignRuntime ? [] : badPolicies) {
  test(`a memory policy ${JSON.stringify(memoryPolicy)} is refused`, async () => {
    await refusesPatch({ linux: { memoryPolicy } }, pattern);
  });
}

test("in a user namespace, where init may not, the caller sets what takes a capability", async () => {
  const cpu = groupsRealtime ? { realtimeRuntime: 20_000, realtimePeriod: 1_000_000 } : {};
  const scheduler = { policy: "SCHED_RR", priority: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"] };
  const patch = withScript("cat /proc/$$/stat; busybox ionice; uname -m", {
    process: { scheduler, ioPriority: { class: "IOPRIO_CLASS_RT", priority: 2 } },
    linux: { ...inUserNamespace, personality: { domain: "LINUX32" }, resources: { cpu } },
  });
  const { code, stdout, stderr } = await run(patch);
  assert.is(code, 0, stderr);
  const [stat = "", level, machine] = stdout.split("\n");
  const { policy, priority } = scheduled(stat);
  assert.equal([policy, priority, level], [POLICY.rr, 5, "realtime: prio 2"]);
  assert.not.match(machine ?? "", /64/);
});

test("features lists the memory policies that are known", async () => {
  const { linux } = JSON.parse((await runt(["features"])).stdout);
  const { modes, flags } = linux.memoryPolicy;
  for (const mode of modes) {
    const nodes = /_(DEFAULT|LOCAL)$/.test(mode) ? "" : "0";
    const config = bundle({ linux: { memoryPolicy: { mode, nodes, flags: [] } } });
    succeeded([mode], await runt(["plan", "--bundle", config]));
  }
  for (const flag of flags) {
    const config = bundle({
      linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: [flag] } },
    });
    succeeded([flag], await runt(["plan", "--bundle", config]));
  }
  shows("features.memoryPolicy.modes", "features.memoryPolicy.flags");
});

test("all of them are there before the start, and in an unprivileged container too", async () => {
  const patch = withScript("true", {
    process: {
      user: { uid: 1000, gid: 1000 },
      capabilities: {},
      scheduler: { policy: "SCHED_BATCH", nice: -3 },
      ioPriority: { class: "IOPRIO_CLASS_RT", priority: 1 },
    },
    linux: { personality: { domain: "LINUX32" } },
  });
  await withContainer(patch, async ({ state }) => {
    const { pid } = await state();
    const { policy, nice } = scheduled(readProc(pid, "stat"));
    assert.equal([policy, nice], [POLICY.batch, -3]);
    assert.is(readProc(pid, "personality").trim(), "00000008");
  });
});

runTests();
