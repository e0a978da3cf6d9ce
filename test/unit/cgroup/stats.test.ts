import { test } from "uvu";
import * as assert from "uvu/assert";
import { CONTROLLERS } from "../../../runtime/cgroup/controllers/table.ts";
import {
  amount,
  type ControlFiles,
  flatKeyed,
  NO_LIMIT,
  numberList,
  pressure,
  type Stats,
} from "../../../runtime/cgroup/stats.ts";

/** What the controllers make of some files. */
function statsOf(layout: "v1" | "v2", texts: Readonly<Record<string, string>>): Partial<Stats> {
  const files: ControlFiles = {
    read: (file) => (layout === "v1" && file.endsWith(".pressure") ? "" : (texts[file] ?? "")),
    readUnified: (file) => texts[file] ?? "",
    names: (controller) => Object.keys(texts).filter((name) => name.startsWith(`${controller}.`)),
  };
  const stats: Partial<Stats> = {};
  for (const controller of CONTROLLERS) Object.assign(stats, controller.stats?.[layout](files));
  return stats;
}

const PRESSURE =
  "some avg10=1.50 avg60=0.25 avg300=0.00 total=18446744073709551615\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=7\n";

test("numbers are exact, and words are what the file means by them", () => {
  assert.is(amount("12\n"), 12);
  assert.is(amount("-1"), -1);
  assert.is(amount("9007199254740993"), 9_007_199_254_740_993n);
  assert.is(amount("max\n"), 2n ** 64n - 1n);
  assert.is(amount("max", 0), 0);
  for (const text of ["", undefined, "nonsense"]) assert.is(amount(text), 0);
  assert.equal(flatKeyed("a 1\nb 9007199254740993\nbroken\n"), { a: 1, b: 9_007_199_254_740_993n });
  assert.equal(numberList("0-2,5\n"), [0, 1, 2, 5]);
  assert.equal(numberList("\n"), []);
});

test("pressure has shares and totals of both kinds", () => {
  assert.equal(pressure(PRESSURE), {
    some: { avg10: 1.5, avg60: 0.25, avg300: 0, total: 2n ** 64n - 1n },
    full: { avg10: 0.5, avg60: 0, avg300: 0, total: 7 },
  });
  assert.is(pressure(""), undefined);
  assert.is(pressure("some avg10=0.10 avg60=0.00 avg300=0.00 total=5\n")?.full.total, 0);
});

test("cpu is in nanoseconds on both layouts", () => {
  const throttling = { periods: 10, throttledPeriods: 4, throttledTime: 5000 };
  assert.equal(
    statsOf("v1", {
      "cpuacct.usage": "123456789\n",
      "cpuacct.stat": "user 3\nsystem 2\n",
      "cpuacct.usage_percpu": "100 200 \n",
      "cpuacct.usage_all": "cpu user system\n0 70 30\n1 150 50\n",
      "cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 5000\n",
    }).cpu,
    {
      usage: {
        total: 123_456_789,
        percpu: [100, 200],
        percpu_kernel: [30, 50],
        percpu_user: [70, 150],
        kernel: 20_000_000,
        user: 30_000_000,
      },
      throttling,
    },
  );
  const v2 = statsOf("v2", {
    "cpu.stat":
      "usage_usec 500\nuser_usec 300\nsystem_usec 200\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5\n",
    "cpu.pressure": PRESSURE,
  }).cpu;
  assert.equal(v2?.usage, { total: 500_000, user: 300_000, kernel: 200_000 });
  assert.equal(v2?.throttling, throttling);
  assert.is(v2?.psi?.some.avg10, 1.5);
});

test("memory of v2 tells swap together with memory, as v1 does", () => {
  const files = {
    "memory.current": "1000\n",
    "memory.max": "5000\n",
    "memory.peak": "2000\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n",
    "memory.swap.current": "10\n",
    "memory.swap.max": "100\n",
    "memory.stat": "anon 1\nfile 300\nkernel 40\nsock 5\n",
    "memory.pressure": PRESSURE,
  };
  const memory = statsOf("v2", files).memory;
  assert.is(memory?.cache, 300);
  assert.equal(memory?.usage, { limit: 5000, usage: 1000, max: 2000, failcnt: 7 });
  assert.equal([memory?.swap.usage, memory?.swap.limit], [1010, 5100]);
  assert.equal([memory?.kernel.usage, memory?.kernelTCP.usage], [40, 5]);
  assert.equal(memory?.raw, { anon: 1, file: 300, kernel: 40, sock: 5 });
  assert.is(memory?.psi?.full.total, 7);
  const unbounded = statsOf("v2", { ...files, "memory.max": "max\n" }).memory;
  assert.equal([unbounded?.usage.limit, unbounded?.swap.limit], [NO_LIMIT, NO_LIMIT]);
});

test("memory of v1 has the sum of memory and swap, and pressure from the hierarchy beside it", () => {
  const memory = statsOf("v1", {
    "memory.usage_in_bytes": "1\n",
    "memory.max_usage_in_bytes": "2\n",
    "memory.limit_in_bytes": "9223372036854771712\n",
    "memory.failcnt": "3\n",
    "memory.memsw.usage_in_bytes": "4\n",
    "memory.kmem.tcp.usage_in_bytes": "5\n",
    "memory.stat": "cache 6\nrss 7\n",
    "memory.pressure": PRESSURE,
  }).memory;
  assert.equal(memory?.usage, { limit: 9_223_372_036_854_771_712n, usage: 1, max: 2, failcnt: 3 });
  assert.equal([memory?.swap.usage, memory?.kernelTCP.usage, memory?.cache], [4, 5, 6]);
  assert.is(memory?.psi?.some.avg60, 0.25);
});

test("no limit on processes is 0", () => {
  assert.equal(statsOf("v2", { "pids.current": "3\n", "pids.max": "max\n" }).pids, {
    current: 3,
    limit: 0,
  });
});

test("block I/O is told by device and operation", () => {
  assert.equal(
    statsOf("v2", { "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n8:16 \n" })
      .blkio,
    {
      ioServiceBytesRecursive: [
        { major: 8, minor: 0, op: "Read", value: 1 },
        { major: 8, minor: 0, op: "Write", value: 2 },
        { major: 8, minor: 0, op: "Discard", value: 5 },
      ],
      ioServicedRecursive: [
        { major: 8, minor: 0, op: "Read", value: 3 },
        { major: 8, minor: 0, op: "Write", value: 4 },
        { major: 8, minor: 0, op: "Discard", value: 6 },
      ],
    },
  );
  assert.equal(
    statsOf("v1", {
      "blkio.bfq.io_serviced_recursive": "8:0 Read 1\n8:0 Total 1\nTotal 1\n",
      "blkio.bfq.io_service_bytes_recursive": "Total 0\n",
      "blkio.throttle.io_service_bytes_recursive": "8:16 Write 9\nTotal 9\n",
      "blkio.time_recursive": "8:0 77\n",
    }).blkio,
    {
      ioServicedRecursive: [
        { major: 8, minor: 0, op: "Read", value: 1 },
        { major: 8, minor: 0, op: "Total", value: 1 },
      ],
      ioServiceBytesRecursive: [{ major: 8, minor: 16, op: "Write", value: 9 }],
      ioTimeRecursive: [{ major: 8, minor: 0, value: 77 }],
    },
  );
});

test("huge pages are told by size, reserved ones where the kernel counts them", () => {
  assert.equal(
    statsOf("v1", {
      "hugetlb.2MB.usage_in_bytes": "1\n",
      "hugetlb.2MB.rsvd.usage_in_bytes": "2\n",
      "hugetlb.2MB.rsvd.max_usage_in_bytes": "3\n",
      "hugetlb.2MB.rsvd.failcnt": "4\n",
      "hugetlb.1GB.usage_in_bytes": "5\n",
    }).hugetlb,
    { "2MB": { usage: 2, max: 3, failcnt: 4 }, "1GB": { usage: 5, max: 0, failcnt: 0 } },
  );
  assert.equal(
    statsOf("v2", { "hugetlb.2MB.current": "1\n", "hugetlb.2MB.events": "max 9\n" }).hugetlb,
    { "2MB": { usage: 1, max: 0, failcnt: 9 } },
  );
});

test("cpus and memory nodes are lists of numbers", () => {
  const v2 = { "cpuset.cpus.effective": "0-1\n", "cpuset.mems.effective": "0\n" };
  assert.equal(statsOf("v2", v2).cpuset?.cpus, [0, 1]);
  const v1 = { "cpuset.cpus": "1,3\n", "cpuset.sched_relax_domain_level": "-1\n" };
  const cpuset = statsOf("v1", v1).cpuset;
  assert.equal([cpuset?.cpus, cpuset?.sched_relax_domain_level], [[1, 3], -1]);
});

test.run();
