import { test } from "uvu";
import * as assert from "uvu/assert";
import { scheduler } from "../../../runtime/clauses/scheduler.ts";
import type { Hooks, Namespace, Scheduler } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";

interface Around {
  hooks?: Hooks;
  namespaces?: Namespace[];
  facts?: HostFacts;
}

function compiled(wanted: Scheduler, { hooks = {}, namespaces = [], facts }: Around = {}) {
  const process = { args: ["sh"], cwd: "/", scheduler: wanted };
  const config = configOf({ process, hooks, linux: { namespaces } });
  return scheduler(config, facts ?? hybridRoot);
}

const deadline: Scheduler = {
  policy: "SCHED_DEADLINE",
  runtime: 1_000_000,
  deadline: 10_000_000,
  period: 20_000_000,
};
const startContainer = [{ path: "/hook" }];
const user: Namespace[] = [{ type: "user" }];

const policies: [Scheduler, number, string][] = [
  [{ policy: "SCHED_OTHER", nice: -5 }, 0, "SCHED_OTHER nice -5"],
  [{ policy: "SCHED_FIFO", priority: 10 }, 1, "SCHED_FIFO priority 10"],
  [{ policy: "SCHED_RR", priority: 99 }, 2, "SCHED_RR priority 99"],
  [{ policy: "SCHED_BATCH" }, 3, "SCHED_BATCH nice 0"],
  [{ policy: "SCHED_ISO" }, 4, "SCHED_ISO nice 0"],
  [{ policy: "SCHED_IDLE" }, 5, "SCHED_IDLE nice 0"],
  [deadline, 6, "SCHED_DEADLINE 1000000/10000000/20000000 ns"],
];

for (const [wanted, number, text] of policies) {
  test(`${wanted.policy} is the kernel's ${number}, set by init before create returns`, () => {
    const { byInit, byHost, afterHooks, problems } = compiled(wanted);
    assert.equal(lines(byInit), [`init scheduler.set ${text}`]);
    assert.equal([byHost, afterHooks, problems], [[], [], []]);
    assert.match(JSON.stringify(byInit), `"number":${number},`);
  });
}

test("flags become one number", () => {
  const { byInit } = compiled({
    policy: "SCHED_OTHER",
    flags: [
      "SCHED_FLAG_RESET_ON_FORK",
      "SCHED_FLAG_RECLAIM",
      "SCHED_FLAG_DL_OVERRUN",
      "SCHED_FLAG_KEEP_POLICY",
      "SCHED_FLAG_KEEP_PARAMS",
      "SCHED_FLAG_UTIL_CLAMP_MIN",
      "SCHED_FLAG_UTIL_CLAMP_MAX",
    ],
  });
  assert.match(JSON.stringify(byInit), '"flags":127,');
});

test("times of 64 bits stay exact", () => {
  const big = 9007199254740993n;
  const { byInit } = compiled({ ...deadline, runtime: big, deadline: big, period: big });
  assert.match(JSON.stringify(byInit), `"runtime":"${big}","deadline":"${big}","period":"${big}"`);
});

test("SCHED_DEADLINE comes after the hooks that init has to fork for", () => {
  const { byInit, afterHooks } = compiled(deadline, { hooks: { startContainer } });
  assert.equal([byInit.length, afterHooks.length], [0, 1]);
  const flags = ["SCHED_FLAG_RESET_ON_FORK" as const];
  assert.is(compiled({ ...deadline, flags }, { hooks: { startContainer } }).byInit.length, 1);
  assert.is(compiled({ policy: "SCHED_IDLE" }, { hooks: { startContainer } }).byInit.length, 1);
});

test("in a user namespace the host sets it for init, if it is root", () => {
  const { byInit, byHost } = compiled({ policy: "SCHED_RR", priority: 1 }, { namespaces: user });
  assert.equal(byInit, []);
  assert.equal(lines(byHost), ["host scheduler.set SCHED_RR priority 1"]);
  const facts = v2Rootless;
  const nice = compiled({ policy: "SCHED_OTHER", nice: 5 }, { namespaces: user, facts });
  assert.equal([nice.byInit.length, nice.byHost.length], [1, 0]);
  const both = compiled(deadline, { namespaces: user, hooks: { startContainer } });
  assert.equal(pointers(both.problems), ["/process/scheduler"]);
});

const wrong: [Scheduler, string][] = [
  [{ policy: "SCHED_FIFO" }, "priority"],
  [{ policy: "SCHED_FIFO", priority: 100 }, "priority"],
  [{ policy: "SCHED_RR", priority: -1 }, "priority"],
  [{ policy: "SCHED_DEADLINE" }, "runtime"],
  [{ ...deadline, runtime: 1023 }, "runtime"],
  [{ ...deadline, deadline: 999_999 }, "deadline"],
  [{ ...deadline, period: 9_999_999 }, "period"],
];

for (const [wanted, field] of wrong) {
  test(`${JSON.stringify(wanted)} is wrong in its ${field}`, () => {
    assert.equal(pointers(compiled(wanted).problems), [`/process/scheduler/${field}`]);
  });
}

test("a deadline without a period is its own", () => {
  assert.equal(compiled({ ...deadline, period: 0 }).problems, []);
});

test.run();
