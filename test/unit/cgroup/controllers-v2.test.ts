// What each controller writes on cgroup v2, by tables.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { blkio } from "../../../runtime/cgroup/controllers/blkio.ts";
import { cpu, weightFrom } from "../../../runtime/cgroup/controllers/cpu.ts";
import { cpuset } from "../../../runtime/cgroup/controllers/cpuset.ts";
import { hugetlb } from "../../../runtime/cgroup/controllers/hugetlb.ts";
import type { Controller, Write } from "../../../runtime/cgroup/controllers/limits.ts";
import { memory } from "../../../runtime/cgroup/controllers/memory.ts";
import { netCls, netPrio } from "../../../runtime/cgroup/controllers/network.ts";
import { pids } from "../../../runtime/cgroup/controllers/pids.ts";
import { rdma } from "../../../runtime/cgroup/controllers/rdma.ts";
import { CONTROLLERS, hintFor } from "../../../runtime/cgroup/controllers/table.ts";
import { unified } from "../../../runtime/cgroup/controllers/unified.ts";
import type { BlockIO, CPU, Memory, Resources } from "../../../runtime/config/types.gen.ts";
import { shows } from "../../support/shows.ts";

const GiB = 2 ** 30;

function text({ file, value, otherwise }: Write): string {
  if (otherwise === undefined) return `${file}=${value}`;
  return `${file}=${value} or ${otherwise === null ? "nothing" : `${otherwise.file}=${otherwise.value}`}`;
}

function writes(controller: Controller, resources: Resources): string[] {
  return controller.v2(resources).writes.map(text);
}

function wrong(controller: Controller, resources: Resources): string[] {
  return controller.v2(resources).problems.map(({ pointer }) => pointer);
}

test("shares become a weight on a curve through the least, the default and the most", () => {
  const table: readonly [shares: number | bigint, weight: number][] = [
    [1, 1],
    [2, 1],
    [3, 2],
    [100, 17],
    [512, 59],
    [1024, 100],
    [1025, 101],
    [2048, 174],
    [10_240, 639],
    [262_143, 10_000],
    [262_144, 10_000],
    [300_000, 10_000],
    [2n ** 64n - 1n, 10_000],
  ];
  for (const [shares, weight] of table) assert.is(weightFrom(shares), weight, `${shares}`);
  let last = 0;
  for (let shares = 2; shares <= 262_144; shares += 97) {
    const weight = weightFrom(shares) ?? 0;
    assert.ok(weight >= last && weight >= 1 && weight <= 10_000, `${shares}`);
    last = weight;
  }
});

test("the CPU's time is one file, with max for no quota", () => {
  const table: readonly [CPU, readonly string[]][] = [
    [{ quota: 50_000, period: 200_000 }, ["cpu.max=50000 200000"]],
    [{ quota: 50_000 }, ["cpu.max=50000"]],
    [{ period: 200_000 }, ["cpu.max=max 200000"]],
    [{ quota: -1, period: 200_000 }, ["cpu.max=max 200000"]],
    [{ quota: 0 }, ["cpu.max=max"]],
    [{ period: 0 }, []],
    [{ shares: 0, quota: 0, period: 0 }, ["cpu.max=max"]],
    [
      { shares: 1024, quota: 5000, burst: 1000, idle: 0 },
      ["cpu.weight=100", "cpu.max=5000", "cpu.max.burst=1000", "cpu.idle=0"],
    ],
    [{ shares: 1024, idle: 1 }, ["cpu.idle=1"]],
    [{ realtimeRuntime: 0, realtimePeriod: 0 }, []],
  ];
  for (const [fields, expected] of table) {
    assert.equal(writes(cpu, { cpu: fields }), expected, JSON.stringify(fields));
    assert.equal(wrong(cpu, { cpu: fields }), []);
  }
  assert.equal(wrong(cpu, { cpu: { quota: 10, burst: 11, idle: 2, realtimePeriod: 1 } }), [
    "/linux/resources/cpu/burst",
    "/linux/resources/cpu/idle",
    "/linux/resources/cpu/realtimePeriod",
  ]);
});

test("cpusets have the same files as on v1", () => {
  assert.equal(writes(cpuset, { cpu: { cpus: "0-1", mems: "0" } }), [
    "cpuset.cpus=0-1",
    "cpuset.mems=0",
  ]);
  assert.equal(writes(cpuset, { cpu: { cpus: "", mems: "" } }), []);
});

test("swap alone is what the sum leaves beside the limit", () => {
  const none = "memory.swap.max=max or nothing";
  const table: readonly [Memory, readonly string[]][] = [
    [{ limit: GiB, swap: 3 * GiB }, [`memory.max=${GiB}`, `memory.swap.max=${2 * GiB}`]],
    [{ limit: GiB, swap: GiB }, [`memory.max=${GiB}`, "memory.swap.max=0 or nothing"]],
    [{ limit: GiB, swap: 0 }, [`memory.max=${GiB}`]],
    [{ limit: GiB, swap: -1 }, [`memory.max=${GiB}`, none]],
    [{ limit: -1 }, ["memory.max=max", none]],
    [{ limit: -1, swap: -1 }, ["memory.max=max", none]],
    [{ limit: 0, swap: 0, reservation: 0 }, []],
    [{ swap: -1 }, [none]],
    [{ reservation: GiB }, [`memory.low=${GiB}`]],
    [{ reservation: -1 }, ["memory.low=max"]],
    [
      { limit: 2n ** 63n - 4096n, swap: 2n ** 63n - 1n },
      ["memory.max=9223372036854771712", "memory.swap.max=4095"],
    ],
    [{ disableOOMKiller: false, useHierarchy: true, checkBeforeUpdate: true }, []],
  ];
  for (const [fields, expected] of table) {
    assert.equal(writes(memory, { memory: fields }), expected, String(fields.limit));
    assert.equal(wrong(memory, { memory: fields }), []);
  }
  for (const fields of [{ swap: GiB }, { limit: GiB, swap: GiB - 1 }, { limit: -1, swap: GiB }]) {
    assert.equal(wrong(memory, { memory: fields }), ["/linux/resources/memory/swap"]);
  }
});

test("no swappiness is a wish like any other, and refused like it", () => {
  const at = ["/linux/resources/memory/swappiness"];
  assert.equal(wrong(memory, { memory: { swappiness: 0 } }), at);
  assert.equal(wrong(memory, { memory: { swappiness: 60 } }), at);
});

test("limits on the kernel's memory are warnings, on TCP memory as well", () => {
  const { warnings } = memory.v2({ memory: { kernel: GiB, kernelTCP: GiB } });
  assert.equal(
    warnings.map((line) => line.split(":")[0]),
    ["/linux/resources/memory/kernel", "/linux/resources/memory/kernelTCP"],
  );
  assert.equal(memory.v2({ memory: { kernel: 0, kernelTCP: 0 } }).warnings, []);
});

test("a pids limit of 0 is a limit, and -1 is none", () => {
  assert.equal(writes(pids, { pids: { limit: 0 } }), ["pids.max=0"]);
  assert.equal(writes(pids, { pids: { limit: -1 } }), ["pids.max=max"]);
  assert.equal(writes(pids, { pids: { limit: 7 } }), ["pids.max=7"]);
});

test("I/O weights are bfq's or converted, throttles lines of one file", () => {
  const device = { major: 8, minor: 16 };
  const table: readonly [BlockIO, readonly string[]][] = [
    [{ weight: 10 }, ["io.bfq.weight=10 or io.weight=1"]],
    [{ weight: 500 }, ["io.bfq.weight=500 or io.weight=4950"]],
    [{ weight: 1000 }, ["io.bfq.weight=1000 or io.weight=10000"]],
    [{ weight: 0, leafWeight: 0 }, []],
    [
      { weightDevice: [{ ...device, weight: 500 }] },
      ["io.bfq.weight=8:16 500 or io.weight=8:16 4950"],
    ],
    [
      {
        throttleReadBpsDevice: [{ ...device, rate: 1 }],
        throttleWriteBpsDevice: [{ ...device, rate: 2 }],
        throttleReadIOPSDevice: [{ ...device, rate: 2n ** 64n - 1n }],
        throttleWriteIOPSDevice: [{ ...device, rate: 0 }],
      },
      [
        "io.max=8:16 rbps=1",
        "io.max=8:16 wbps=2",
        "io.max=8:16 riops=18446744073709551615",
        "io.max=8:16 wiops=max",
      ],
    ],
  ];
  for (const [blockIO, expected] of table) {
    assert.equal(writes(blkio, { blockIO }), expected);
    assert.equal(wrong(blkio, { blockIO }), []);
  }
  const bad = { weight: 9, leafWeight: 1001, weightDevice: [{ ...device, weight: 1001 }] };
  assert.equal(wrong(blkio, { blockIO: bad }), [
    "/linux/resources/blockIO/weight",
    "/linux/resources/blockIO/leafWeight",
    "/linux/resources/blockIO/weightDevice/0/weight",
    "/linux/resources/blockIO/leafWeight",
  ]);
});

test("huge pages are limited in use and in reserve, which old kernels do not count", () => {
  assert.equal(writes(hugetlb, { hugepageLimits: [{ pageSize: "64KB", limit: 0 }] }), [
    "hugetlb.64KB.max=0",
    "hugetlb.64KB.rsvd.max=0 or nothing",
  ]);
  assert.match(hintFor("hugetlb.3MB.max", 2) ?? "", "/sys/kernel/mm/hugepages");
});

test("rdma has a line for each device, with what is given", () => {
  assert.equal(writes(rdma, { rdma: { mlx5_0: { hcaHandles: 0 }, b: { hcaObjects: 2 } } }), [
    "rdma.max=mlx5_0 hca_handle=0",
    "rdma.max=b hca_object=2",
  ]);
});

test("tags and priorities of packets are refused unless they ask for nothing", () => {
  const network = { classID: 1, priorities: [{ name: "lo", priority: 0 }] };
  assert.equal(wrong(netCls, { network }), ["/linux/resources/network/classID"]);
  assert.equal(wrong(netPrio, { network }), ["/linux/resources/network/priorities"]);
  const nothing = { classID: 0, priorities: [] };
  assert.equal(
    [...wrong(netCls, { network: nothing }), ...wrong(netPrio, { network: nothing })],
    [],
  );
});

test("files of unified are written as they are, known or not, a line at a time", () => {
  const files = {
    "memory.high": "1G",
    "made.up": "x",
    "io.max": "8:0 rbps=1\n8:16 rbps=2\n",
    "cpuset.cpus": "",
  };
  assert.equal(writes(unified, { unified: files }), [
    "memory.high=1G",
    "made.up=x",
    "io.max=8:0 rbps=1",
    "io.max=8:16 rbps=2",
    "cpuset.cpus=\n",
  ]);
  shows("linux.resources.unified.unknown");
});

test("a name in unified that is no file of the cgroup is refused", () => {
  for (const name of ["..", "memory", "x..", ".x", "a.b/c", "../memory.max", "a b.c", "A.b"]) {
    const [pointer] = wrong(unified, { unified: { [name]: "1" } });
    assert.is(pointer, `/linux/resources/unified/${name.replaceAll("/", "~1")}`);
  }
});

test("every controller knows nothing of absent resources", () => {
  for (const controller of CONTROLLERS) {
    const { writes: none, problems, warnings } = controller.v2({});
    assert.equal([none, problems, warnings], [[], [], []], controller.name);
  }
});

test.run();
