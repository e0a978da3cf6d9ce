import { test } from "uvu";
import * as assert from "uvu/assert";
import { mergeResources } from "../../../runtime/config/merge-resources.ts";
import type { Resources } from "../../../runtime/config/types.gen.ts";
import { jsonText } from "../../../runtime/json-text.ts";

const current: Resources = {
  memory: { limit: 100, swap: 200, swappiness: 10 },
  cpu: { shares: 512, burst: 5, idle: 1, cpus: "0" },
  pids: { limit: 9 },
  blockIO: {
    weight: 100,
    throttleReadBpsDevice: [
      { major: 8, minor: 0, rate: 1 },
      { major: 8, minor: 1, rate: 2 },
    ],
    weightDevice: [{ major: 8, minor: 0, weight: 20 }],
  },
  hugepageLimits: [{ pageSize: "2MB", limit: 1 }],
  network: { classID: 3, priorities: [{ name: "lo", priority: 1 }] },
  rdma: { mlx: { hcaHandles: 1 } },
  unified: { "memory.high": "5" },
  devices: [{ allow: false }],
};

test("an empty change, and one of noughts, changes nothing", () => {
  assert.equal(mergeResources(current, {}), current);
  const noughts: Resources = {
    memory: { limit: 0, swap: 0n, reservation: 0 },
    cpu: { shares: 0, quota: 0, cpus: "", mems: "" },
    blockIO: { weight: 0 },
    network: { classID: 0 },
  };
  const merged = mergeResources(current, noughts);
  assert.equal([merged.memory?.limit, merged.memory?.swap], [100, 200]);
  assert.equal([merged.cpu?.shares, merged.cpu?.cpus], [512, "0"]);
  assert.equal([merged.blockIO?.weight, merged.network?.classID], [100, 3]);
});

test("a nought that is a value is one", () => {
  const merged = mergeResources(current, {
    memory: { swappiness: 0 },
    cpu: { burst: 0, idle: 0 },
    pids: { limit: 0 },
  });
  assert.is(merged.memory?.swappiness, 0);
  assert.equal([merged.cpu?.burst, merged.cpu?.idle, merged.pids?.limit], [0, 0, 0]);
});

test("lists are merged by device, size, name or file", () => {
  const merged = mergeResources(current, {
    blockIO: {
      throttleReadBpsDevice: [
        { major: 8, minor: 1, rate: 7 },
        { major: 8, minor: 2, rate: 3 },
      ],
      weightDevice: [{ major: 8, minor: 0, leafWeight: 30 }],
    },
    hugepageLimits: [{ pageSize: "1GB", limit: 2 }],
    network: { priorities: [{ name: "eth0", priority: 2 }] },
    rdma: { mlx: { hcaObjects: 4 } },
    unified: { "memory.low": "1" },
  });
  const rates = merged.blockIO?.throttleReadBpsDevice?.map(({ minor, rate }) => [minor, rate]);
  assert.equal(rates, [
    [0, 1],
    [1, 7],
    [2, 3],
  ]);
  assert.equal(merged.blockIO?.weightDevice, [{ major: 8, minor: 0, weight: 20, leafWeight: 30 }]);
  assert.is(merged.hugepageLimits?.length, 2);
  assert.is(merged.network?.priorities?.length, 2);
  assert.equal(merged.rdma, { mlx: { hcaHandles: 1, hcaObjects: 4 } });
  assert.equal(merged.unified, { "memory.high": "5", "memory.low": "1" });
});

test("rules for devices are replaced as a whole", () => {
  assert.equal(mergeResources(current, { devices: [] }).devices, []);
  assert.equal(mergeResources(current, { pids: { limit: 1 } }).devices, current.devices);
});

test("no limit on memory lifts the one on memory and swap, unless that is given", () => {
  assert.is(mergeResources(current, { memory: { limit: -1 } }).memory?.swap, -1);
  assert.is(mergeResources(current, { memory: { limit: -1, swap: 500 } }).memory?.swap, 500);
  assert.is(mergeResources({}, { memory: { limit: -1 } }).memory?.swap, undefined);
});

test("what is kept is exact to the last digit", () => {
  const value = { a: [2n ** 64n - 1n, -5n, 3], b: 'say "12"' };
  assert.is(jsonText(value), '{"a":[18446744073709551615,-5,3],"b":"say \\"12\\""}');
});

test.run();
