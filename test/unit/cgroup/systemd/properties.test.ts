import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  changedProperties,
  unitProperties,
} from "../../../../runtime/cgroup/systemd/properties.ts";
import type { Resources } from "../../../../runtime/config/types.gen.ts";

const MiB = 2 ** 20;
const scope = { name: "p-x.scope", slice: "system.slice", path: "/system.slice/p-x.scope" };
const BASE = {
  unit: scope,
  description: "demo",
  resources: {},
  annotations: {},
  host: { layout: "v2" as const, version: 252 },
  devices: false,
};

/** Properties that the resources add, as text. */
function added(
  resources: Resources,
  more: Partial<Parameters<typeof unitProperties>[0]> = {},
): string[] {
  const base = new Set(texts({ ...BASE, ...more, resources: {} }));
  return texts({ ...BASE, ...more, resources }).filter((text) => !base.has(text));
}

function texts(request: Parameters<typeof unitProperties>[0]): string[] {
  return unitProperties(request).properties.map(
    ({ name, type, value }) => `${name} ${type} ${JSON.stringify(value)}`,
  );
}

test("a scope is delegated, accounted for, and in its slice", () => {
  assert.equal(texts(BASE), [
    'Description s "demo"',
    'Slice s "system.slice"',
    "Delegate b true",
    "MemoryAccounting b true",
    "CPUAccounting b true",
    "IOAccounting b true",
    "TasksAccounting b true",
    "DefaultDependencies b false",
  ]);
});

test("a slice wants the slice above it", () => {
  const unit = { name: "a-b.slice", slice: "a.slice", path: "/a.slice/a-b.slice" };
  assert.equal(texts({ ...BASE, unit }).slice(0, 2), [
    'Description s "demo"',
    'Wants as ["a.slice"]',
  ]);
});

test("v1 has the old names", () => {
  const host = { layout: "v1" as const, version: 252 };
  assert.ok(texts({ ...BASE, host }).includes("BlockIOAccounting b true"));
  const resources: Resources = {
    memory: { limit: 64 * MiB, reservation: MiB, swap: 65 * MiB },
    cpu: { shares: 512, cpus: "0" },
    blockIO: { weight: 100 },
    pids: { limit: 5 },
  };
  assert.equal(added(resources, { host }), [
    'CPUShares t "512"',
    'MemoryLimit t "67108864"',
    'TasksMax t "5"',
    'BlockIOWeight t "100"',
  ]);
});

const LIMITS: readonly [what: string, resources: Resources, properties: string[]][] = [
  [
    "memory",
    { memory: { limit: 64 * MiB, reservation: MiB, swap: 65 * MiB } },
    ['MemoryMax t "67108864"', 'MemoryLow t "1048576"', 'MemorySwapMax t "1048576"'],
  ],
  [
    "memory without end",
    { memory: { limit: -1, swap: -1 } },
    ['MemoryMax t "18446744073709551615"', 'MemorySwapMax t "18446744073709551615"'],
  ],
  [
    "memory that may not swap",
    { memory: { limit: MiB, swap: MiB } },
    ['MemoryMax t "1048576"', 'MemorySwapMax t "0"'],
  ],
  ["memory of 0", { memory: { limit: 0, reservation: 0, swap: 0 } }, []],
  ["shares", { cpu: { shares: 1024 } }, ['CPUWeight t "100"']],
  ["an idle cgroup", { cpu: { shares: 1024, idle: 1 } }, ['CPUWeight t "0"']],
  [
    "a quota, rounded up to a percent of a second",
    { cpu: { quota: 12_345, period: 50_000 } },
    ['CPUQuotaPeriodUSec t "50000"', 'CPUQuotaPerSecUSec t "250000"'],
  ],
  ["a quota of whole percents", { cpu: { quota: 150_000 } }, ['CPUQuotaPerSecUSec t "1500000"']],
  ["no quota", { cpu: { quota: -1 } }, ['CPUQuotaPerSecUSec t "18446744073709551615"']],
  [
    "a period alone",
    { cpu: { period: 1000 } },
    ['CPUQuotaPeriodUSec t "1000"', 'CPUQuotaPerSecUSec t "18446744073709551615"'],
  ],
  [
    "cpusets",
    { cpu: { cpus: "0-1,9", mems: "0" } },
    ["AllowedCPUs ay [3,2]", "AllowedMemoryNodes ay [1]"],
  ],
  ["a cpuset that is no list", { cpu: { cpus: "a-b" } }, []],
  ["tasks", { pids: { limit: 7 } }, ['TasksMax t "7"']],
  ["no limit on tasks", { pids: { limit: -1 } }, ['TasksMax t "18446744073709551615"']],
  ["no task, as near as systemd comes", { pids: { limit: 0 } }, ['TasksMax t "1"']],
  ["a weight of io", { blockIO: { weight: 1000 } }, ['IOWeight t "10000"']],
  [
    "unified, which has the last word",
    {
      memory: { limit: MiB },
      unified: { "memory.max": "max", "memory.high": "5", "cpu.max": "25000 100000" },
    },
    [
      'MemoryMax t "18446744073709551615"',
      'MemoryHigh t "5"',
      'CPUQuotaPeriodUSec t "100000"',
      'CPUQuotaPerSecUSec t "250000"',
    ],
  ],
  [
    "unified of a form that is the kernel's to refuse",
    { unified: { "memory.max": "1G", "cpu.max": "x", "io.max": "8:0 rbps=1" } },
    [],
  ],
  [
    "unified files of other controllers",
    {
      unified: { "cpuset.cpus": "0", "cpuset.mems": "0", "cpu.idle": "1", "memory.oom.group": "1" },
    },
    ["AllowedCPUs ay [1]", "AllowedMemoryNodes ay [1]", 'CPUWeight t "0"'],
  ],
];

for (const [what, resources, properties] of LIMITS) {
  test(`on v2 systemd is told of ${what}`, () => {
    assert.equal(added(resources), properties);
  });
}

test("an old systemd is told what it knows", () => {
  const host = { layout: "v2" as const, version: 241 };
  const resources: Resources = {
    cpu: { quota: 50_000, period: 100_000, cpus: "0", idle: 1, shares: 1024 },
    unified: { "memory.oom.group": "1" },
  };
  assert.equal(added(resources, { host }), ['CPUWeight t "100"', 'CPUQuotaPerSecUSec t "500000"']);
});

test("a new systemd is told what happens when memory is out", () => {
  const host = { layout: "v2" as const, version: 253 };
  assert.equal(added({ unified: { "memory.oom.group": "1" } }, { host }), ['OOMPolicy s "kill"']);
});

test("device rules are a list of what is allowed", () => {
  const resources: Resources = {
    devices: [
      { allow: false, access: "rwm" },
      { allow: true, type: "b", major: 8, minor: 0, access: "r" },
      { allow: true, type: "c", major: 226, access: "rw" },
    ],
  };
  const { properties } = unitProperties({ ...BASE, resources, devices: true });
  const propertyNamed = (name: string) => properties.find((one) => one.name === name)?.value;
  assert.is(propertyNamed("DevicePolicy"), "strict");
  const list = JSON.stringify(propertyNamed("DeviceAllow"));
  for (const entry of [
    '["/dev/block/8:0","r"]',
    '["char-226","rw"]',
    '["char-*","m"]',
    '["block-*","m"]',
    '["char-pts","rwm"]',
    '["/dev/char/1:3","rwm"]',
  ]) {
    assert.ok(list.includes(entry), `${entry} in ${list}`);
  }
});

test("where everything is allowed systemd adds no list of its own", () => {
  const devices = [{ allow: true, access: "rwm" }];
  assert.ok(
    texts({ ...BASE, resources: { devices }, devices: true }).includes('DevicePolicy s "auto"'),
  );
});

test("what changes is set, what is gone is taken back, and a list is cleared first", () => {
  const context = { host: BASE.host, devices: true };
  const devices = [{ allow: true, type: "c" as const, major: 10, minor: 229, access: "rw" }];
  const before: Resources = { pids: { limit: 5 }, memory: { limit: MiB }, cpu: { cpus: "0" } };
  const after: Resources = { pids: { limit: 5 }, memory: { limit: 2 * MiB }, devices };
  const changed = changedProperties(before, after, context);
  assert.equal(
    changed.map(({ name, value }) => `${name} ${JSON.stringify(value).slice(0, 9)}`),
    ["AllowedCPUs []", 'MemoryMax "2097152"', "DeviceAllow []", 'DeviceAllow [["/dev/c'],
  );
  const back = changedProperties(after, before, context);
  assert.equal(
    back.map(({ name }) => name),
    ["MemoryMax", "DeviceAllow", "DeviceAllow", "AllowedCPUs"],
  );
  const none = changedProperties({ memory: { limit: MiB } }, {}, context);
  assert.equal(none, [{ name: "MemoryMax", type: "t", value: "18446744073709551615" }]);
});

test("an annotation has the last word", () => {
  const annotations = { "org.systemd.property.MemoryMax": "uint64 5" };
  const request = { ...BASE, annotations, resources: { memory: { limit: MiB } } };
  assert.equal(
    texts(request).filter((text) => text.startsWith("MemoryMax")),
    ['MemoryMax t "5"'],
  );
});

test.run();
