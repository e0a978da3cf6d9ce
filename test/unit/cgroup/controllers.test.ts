import { test } from "uvu";
import * as assert from "uvu/assert";
import { cpu } from "../../../runtime/cgroup/controllers/cpu.ts";
import { cpuset } from "../../../runtime/cgroup/controllers/cpuset.ts";
import { devices } from "../../../runtime/cgroup/controllers/devices.ts";
import type { Controller } from "../../../runtime/cgroup/controllers/limits.ts";
import { memory } from "../../../runtime/cgroup/controllers/memory.ts";
import { pids } from "../../../runtime/cgroup/controllers/pids.ts";
import { CONTROLLERS, hintFor } from "../../../runtime/cgroup/controllers/table.ts";
import type { Resources } from "../../../runtime/config/types.gen.ts";
import { shows } from "../../support/shows.ts";

const GiB = 2 ** 30;

/** Writes as `file=value`. */
function writes(controller: Controller, resources: Resources): string[] {
  return controller.v1(resources).writes.map(({ file, value }) => `${file}=${value}`);
}

/** Pointers of problems. */
function wrong(controller: Controller, resources: Resources): string[] {
  return controller.v1(resources).problems.map(({ pointer }) => pointer);
}

test("memory writes each limit, the limit before the sum with swap", () => {
  const resources: Resources = {
    memory: {
      swap: 2 * GiB,
      limit: GiB,
      reservation: GiB / 2,
      kernelTCP: 4096,
      swappiness: 0,
      disableOOMKiller: true,
      useHierarchy: true,
      checkBeforeUpdate: true,
    },
  };
  assert.equal(writes(memory, resources), [
    "memory.limit_in_bytes=1073741824",
    "memory.soft_limit_in_bytes=536870912",
    "memory.memsw.limit_in_bytes=2147483648",
    "memory.kmem.tcp.limit_in_bytes=4096",
    "memory.swappiness=0",
    "memory.oom_control=1",
  ]);
  assert.equal(wrong(memory, resources), []);
});

test("a write names its controller and the field that asks for it", () => {
  assert.equal(memory.v1({ memory: { limit: -1 } }).writes, [
    {
      controller: "memory",
      file: "memory.limit_in_bytes",
      value: "-1",
      pointer: "/linux/resources/memory/limit",
    },
  ]);
});

test("a limit of 0 bytes and a killer that is not disabled ask for nothing", () => {
  assert.equal(writes(memory, { memory: { limit: 0, swap: 0, disableOOMKiller: false } }), []);
});

test("integers beyond 2^53 are written exactly", () => {
  assert.equal(writes(memory, { memory: { limit: 9223372036854771712n } }), [
    "memory.limit_in_bytes=9223372036854771712",
  ]);
});

test("memory with swap below the limit or without one is refused", () => {
  const swap = ["/linux/resources/memory/swap"];
  assert.equal(wrong(memory, { memory: { limit: GiB, swap: GiB - 1 } }), swap);
  assert.equal(wrong(memory, { memory: { swap: GiB } }), swap);
  assert.equal(wrong(memory, { memory: { limit: -1, swap: GiB } }), swap);
  assert.equal(wrong(memory, { memory: { limit: GiB, swap: GiB } }), []);
  assert.equal(wrong(memory, { memory: { limit: GiB, swap: -1 } }), []);
  assert.equal(wrong(memory, { memory: { swap: -1 } }), []);
});

test("a limit on kernel memory is a warning", () => {
  const { warnings, writes: none } = memory.v1({ memory: { kernel: GiB } });
  assert.match(warnings[0] ?? "", "/linux/resources/memory/kernel");
  assert.equal(none, []);
});

test("cpu writes the period before the quota, the quota before the burst, and idle last", () => {
  assert.equal(
    writes(cpu, {
      cpu: {
        idle: 0,
        burst: 10_000,
        quota: 50_000,
        period: 100_000,
        shares: 512,
        realtimeRuntime: 950_000,
        realtimePeriod: 1_000_000,
      },
    }),
    [
      "cpu.shares=512",
      "cpu.cfs_period_us=100000",
      "cpu.cfs_quota_us=50000",
      "cpu.cfs_burst_us=10000",
      "cpu.rt_period_us=1000000",
      "cpu.rt_runtime_us=950000",
      "cpu.idle=0",
    ],
  );
  assert.equal(writes(cpu, { cpu: { idle: 1, shares: 512 } }), ["cpu.idle=1"]);
});

test("cpu with a burst above the quota or an idle that is no flag is refused", () => {
  assert.equal(wrong(cpu, { cpu: { quota: 1000, burst: 1001 } }), ["/linux/resources/cpu/burst"]);
  assert.equal(wrong(cpu, { cpu: { quota: -1, burst: 1001 } }), []);
  assert.equal(wrong(cpu, { cpu: { idle: 2 } }), ["/linux/resources/cpu/idle"]);
  shows("linux.resources.cpu.quota", "linux.resources.cpu.burst");
});

test("cpus and mems belong to cpuset", () => {
  const resources: Resources = { cpu: { cpus: "0-1", mems: "0" } };
  assert.equal(writes(cpuset, resources), ["cpuset.cpus=0-1", "cpuset.mems=0"]);
  assert.equal(writes(cpu, resources), []);
  assert.equal(writes(cpuset, { cpu: { cpus: "", mems: "" } }), []);
});

test("pids writes max for no limit and 0 for a limit of 0", () => {
  assert.equal(writes(pids, { pids: { limit: 10 } }), ["pids.max=10"]);
  assert.equal(writes(pids, { pids: { limit: -1 } }), ["pids.max=max"]);
  assert.equal(writes(pids, { pids: { limit: 0 } }), ["pids.max=0"]);
  shows("linux.resources.pids.zero");
});

const ALWAYS = [
  "devices.allow=c *:* m",
  "devices.allow=b *:* m",
  "devices.allow=c 1:3 rwm",
  "devices.allow=c 1:8 rwm",
  "devices.allow=c 1:7 rwm",
  "devices.allow=c 5:0 rwm",
  "devices.allow=c 1:5 rwm",
  "devices.allow=c 1:9 rwm",
  "devices.allow=c 136:* rwm",
  "devices.allow=c 5:2 rwm",
  "devices.allow=c 10:200 rwm",
];

test("devices are denied but for those that every container may use", () => {
  const { writes: list } = devices.v1({});
  assert.equal(writes(devices, {}), ["devices.deny=a *:* rwm", ...ALWAYS]);
  assert.ok(list.every(({ pointer }) => pointer === ""));
});

test("devices are written in the listed order, those of every container last", () => {
  assert.equal(
    writes(devices, {
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 10, minor: 229, access: "rwm" },
        { allow: true, type: "b", major: 8, minor: -1, access: "rw" },
        { allow: false, type: "c", major: 10, minor: 229, access: "m" },
      ],
    }),
    [
      "devices.deny=a *:* rwm",
      "devices.allow=c 10:229 rwm",
      "devices.allow=b 8:* rw",
      "devices.deny=c 10:229 m",
      ...ALWAYS,
    ],
  );
  shows("linux.resources.devices.order");
});

test("devices that begin with a single entry start from everything denied", () => {
  const single: Resources = { devices: [{ allow: true, type: "c", major: 10, minor: 229 }] };
  assert.equal(writes(devices, single).slice(0, 2), [
    "devices.deny=a *:* rwm",
    "devices.allow=c 10:229 rwm",
  ]);
});

test("devices that allow everything but some keep what was denied", () => {
  assert.equal(
    writes(devices, {
      devices: [{ allow: true }, { allow: false, type: "c", major: 1, minor: 9 }],
    }),
    ["devices.allow=a *:* rwm", "devices.deny=c 1:9 rwm"],
  );
});

test("a device rule of both kinds with numbers or less than all access is spelled out", () => {
  const rules = writes(devices, { devices: [{ allow: true, major: 10, access: "r" }] });
  assert.equal(rules.slice(1, 3), ["devices.allow=c 10:* r", "devices.allow=b 10:* r"]);
});

test("denying a part of what was allowed is refused, as the kernel would not do it", () => {
  const allow = { allow: true, type: "c", major: 10 } as const;
  const deny = { allow: false, type: "c", major: 10, minor: 1 } as const;
  const at = ["/linux/resources/devices/2"];
  assert.equal(wrong(devices, { devices: [{ allow: false }, allow, deny] }), at);
  assert.equal(
    wrong(devices, { devices: [{ allow: false }, allow, { ...allow, allow: false }] }),
    [],
  );
  assert.equal(
    wrong(devices, {
      devices: [{ allow: true }, { ...allow, allow: false }, { ...deny, allow: true }],
    }),
    at,
  );
});

test("each controller stands in the table once and knows nothing of absent resources", () => {
  const names = CONTROLLERS.map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  for (const controller of CONTROLLERS) {
    assert.equal(controller.v1({}).problems, []);
    if (controller !== devices) assert.equal(controller.v1({}).writes, []);
  }
});

test("a refused write has a hint where the reason is known", () => {
  assert.match(hintFor("memory.memsw.limit_in_bytes", 2) ?? "", "swapaccount=1");
  assert.is(hintFor("memory.memsw.limit_in_bytes", 5), undefined);
  assert.is(hintFor("pids.max", 2), undefined);
});

test.run();
