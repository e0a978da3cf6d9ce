import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Updated } from "../../../runtime/clauses/update.ts";
import type { Resources } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { updatePlan } from "../../../runtime/plan/update.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { shows } from "../../support/shows.ts";

/** Printed steps but the last, which keeps the resources. */
function steps(facts: HostFacts, resources: Resources, change: Resources): string[] {
  const cgroups = facts.cgroup.hierarchies.map((one) => ({ ...one, directory: `${one.mount}/x` }));
  const container: Updated = {
    id: "x",
    directory: "/r/x",
    resources,
    intelRdt: undefined,
    cgroups,
    unit: null,
  };
  const plan = updatePlan({ resources: change, schemata: [] }, container, {
    facts,
    file: "update",
  });
  assert.is(plan.at(-1)?.op.name, "resources.keep");
  return plan
    .slice(0, -1)
    .map(({ op }) => `${op.name} ${op.print().replaceAll("/sys/fs/cgroup", "")}`);
}

test("what the change speaks of is written, and what follows from it", () => {
  const resources: Resources = {
    memory: { limit: 100, swap: 300 },
    cpu: { quota: 5000, shares: 2 },
  };
  assert.equal(steps(v2Root, resources, { memory: { limit: 200 } }), [
    "cgroup.update /x: memory.max = 200, memory.swap.max = 100",
  ]);
  assert.equal(steps(v2Root, resources, { cpu: { period: 10_000 } }), [
    "cgroup.update /x: cpu.max = 5000 10000",
  ]);
  assert.equal(steps(hybridRoot, resources, { memory: { limit: 200 } }), [
    "cgroup.update /memory/x: memory.limit_in_bytes = 200",
  ]);
  assert.equal(steps(hybridRoot, resources, {}), []);
});

test("what is in force already is written again where the change speaks of it", () => {
  const resources: Resources = { pids: { limit: 5 }, cpu: { shares: 7 } };
  assert.equal(steps(hybridRoot, resources, { pids: { limit: 5 } }), [
    "cgroup.update /pids/x: pids.max = 5",
  ]);
});

test("of files with a line for each device only the named lines are written", () => {
  const throttleReadBpsDevice = [
    { major: 8, minor: 0, rate: 1 },
    { major: 8, minor: 1, rate: 2 },
  ];
  const resources: Resources = { blockIO: { throttleReadBpsDevice } };
  const change: Resources = {
    blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 1, rate: 3 }] },
  };
  assert.equal(steps(v2Root, resources, change), ["cgroup.update /x: io.max = 8:1 rbps=3"]);
});

test("an idle container keeps its shares for later", () => {
  const resources: Resources = { cpu: { shares: 512, idle: 1 } };
  assert.equal(steps(v2Root, resources, { cpu: { shares: 1024 } }), []);
  assert.equal(steps(v2Root, resources, { cpu: { idle: 0 } }), [
    "cgroup.update /x: cpu.weight = 59, cpu.idle = 0",
  ]);
});

test("memory in use is looked at first, where that is wanted", () => {
  const memory = { checkBeforeUpdate: true };
  assert.equal(steps(v2Root, { memory }, { memory: { limit: 9 } }), [
    "cgroup.check-memory /x/memory.current ≤ 9",
    "cgroup.update /x: memory.max = 9",
  ]);
  assert.equal(steps(v2Root, { memory }, { memory: { limit: -1 } }).length, 1);
  shows("linux.resources.memory.checkBeforeUpdate");
});

test("device rules are changed on v1 and replaced on v2", () => {
  const devices = [{ allow: true }];
  assert.equal(steps(hybridRoot, {}, { devices }), [
    "devices.change /devices/x: everything but 0 entries",
  ]);
  assert.equal(steps(v2Root, {}, { devices }), ["devices.replace /x: everything but 0 entries"]);
});

test("what a layout cannot express is refused", () => {
  assert.throws(() => steps(hybridRoot, {}, { unified: { "memory.high": "1" } }), /unified/);
  assert.throws(() => steps(v2Root, {}, { memory: { swappiness: 5 } }), /swappiness/);
});

test.run();
