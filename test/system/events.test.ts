// events and stats: what containers use, and word of the OOM killer.

import { existsSync } from "node:fs";
import * as assert from "uvu/assert";
import { withContainer, withScript } from "../support/container.ts";
import { runt, startRunt } from "../support/runt.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const MOUNT = "/sys/fs/cgroup";
const isV2 = existsSync(`${MOUNT}/cgroup.controllers`);
const hasMemory = isV2 || existsSync(`${MOUNT}/memory`);
const hasPressure = existsSync(isV2 ? "/proc/pressure" : `${MOUNT}/unified`);
const MiB = 1 << 20;

/** A test that reads the statistics of a memory cgroup. */
function testMemory(name: string, body: () => Promise<void>): void {
  if (hasMemory) test(name, body);
  else skip(name, "no memory controller here");
}

const busy = withScript(
  "head -c 3000000 /dev/zero > /dev/shm/x; rm /dev/shm/x; echo up; while :; do :; done",
  {
    linux: {
      resources: {
        memory: { limit: 64 * MiB },
        pids: { limit: 50 },
        cpu: { quota: 20_000, period: 100_000 },
      },
    },
  },
);

testMemory("events --stats prints what the container uses, under runc's names", async () => {
  await withContainer(busy, async ({ id, create, does }) => {
    await does("start");
    await waitUntil("work", () => create.stdout().includes("up"));
    const event = await waitUntil("throttling", async () => {
      const { code, stdout, stderr } = await runt(["events", "--stats", id]);
      assert.is(code, 0, stderr);
      assert.is(stdout.trimEnd().split("\n").length, 1);
      const found = JSON.parse(stdout);
      return found.data.cpu.throttling.throttledTime > 0 && found;
    });
    assert.is(event.type, "stats");
    assert.is(event.id, id);
    const { cpu, memory, pids, cpuset, blkio, hugetlb } = event.data;
    assert.ok(cpu.usage.total > 10_000_000, `${cpu.usage.total}`);
    assert.ok(cpu.throttling.periods >= cpu.throttling.throttledPeriods);
    assert.is(memory.usage.limit, 64 * MiB);
    assert.ok(memory.usage.max > 3_000_000, JSON.stringify(memory.usage));
    assert.ok(memory.usage.usage < memory.usage.max, JSON.stringify(memory.usage));
    assert.ok(Object.keys(memory.raw).length > 10);
    assert.equal(pids, { current: 1, limit: 50 });
    assert.ok(cpuset.cpus.length > 0);
    assert.type(blkio, "object");
    assert.type(hugetlb, "object");
    if (hasPressure) assert.type(cpu.psi.some.avg10, "number");
  });
});

testMemory("stats shows containers in a table and as JSON", async () => {
  await withContainer(busy, async ({ id, create, does }) => {
    await does("start");
    await waitUntil("work", () => create.stdout().includes("up"));
    const all = await runt(["stats"]);
    assert.is(all.code, 0, all.stderr);
    const [header = "", ...rows] = all.stdout.trimEnd().split("\n");
    assert.match(header, /^ID +CPU +THROTTLED +MEMORY +PEAK +LIMIT +PIDS +PRESSURE$/);
    assert.is(rows.length, 1);
    assert.match(rows[0] ?? "", new RegExp(`^${id} +\\d\\.\\d\\ds .* 64.0MiB +1/50 `));
    const [one] = JSON.parse((await runt(["stats", "--json", id])).stdout);
    assert.is(one.id, id);
    assert.is(one.memory.usage.limit, 64 * MiB);
  });
  assert.is((await runt(["stats", "--json"])).stdout, "[]\n");
});

testMemory("events go on at their interval until the container ends", async () => {
  await withContainer(withScript("while :; do sleep 0.05; done"), async ({ id, does }) => {
    await does("start");
    const running = startRunt(["events", "--interval=50ms", id]);
    await waitUntil("three events", () => running.stdout().split("\n").length > 3);
    await does("kill", "KILL");
    const { code, stdout } = await running.ended;
    assert.is(code, 0);
    for (const line of stdout.trimEnd().split("\n")) assert.is(JSON.parse(line).type, "stats");
  });
});

testMemory("events tell when the OOM killer strikes, also when it ends the container", async () => {
  const text = "(tail /dev/zero); echo first; sleep 0.3; exec tail /dev/zero";
  const resources = { memory: { limit: 8 * MiB, swap: 8 * MiB } };
  await withContainer(withScript(text, { linux: { resources } }), async ({ id, does }) => {
    const running = startRunt(["events", "--interval", "50ms", id]);
    await waitUntil("the first event", () => running.stdout().includes("\n"));
    await does("start");
    const { code, stdout, stderr } = await running.ended;
    assert.equal([code, stderr], [0, ""]);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const deaths = events.filter(({ type }) => type === "oom");
    assert.ok(deaths.length >= 2, stdout);
    for (const one of deaths) assert.equal(one, { type: "oom", id });
  });
});

testMemory("events end when nobody reads them any more", async () => {
  await withContainer(withScript("while :; do sleep 0.05; done"), async ({ id, does }) => {
    await does("start");
    const through = ["sh", "-c", '"$@" | head -n 1; echo over', "sh"];
    const running = startRunt(["events", "--interval", "20ms", id], { through });
    const { stdout } = await running.ended;
    assert.match(stdout, /"type":"stats".*\nover\n/);
  });
});

testMemory("events of what does not run, and intervals that are none, are refused", async () => {
  await withContainer({}, async ({ id, does, becomes }) => {
    for (const [interval, text] of [
      ["0s", "duration interval must be greater than 0"],
      ["soon", "--interval soon"],
    ] as const) {
      const { code, stderr } = await runt(["events", "--interval", interval, id]);
      assert.is(code, 1);
      assert.match(stderr, text);
    }
    await does("start");
    await becomes("stopped");
    for (const words of [
      ["events", id],
      ["events", "--stats", id],
      ["stats", id],
    ]) {
      const { code, stderr } = await runt(words);
      assert.is(code, 1);
      assert.match(stderr, `container with id ${id} is not running`);
    }
  });
});

runTests();
