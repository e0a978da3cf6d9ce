// What the texts of cgroup files become in containerd's messages.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ControlFiles } from "../../../runtime/cgroup/stats.ts";
import { metricsV1 } from "../../../shim/metrics/v1.ts";
import { metricsV2 } from "../../../shim/metrics/v2.ts";
import { decode } from "../../../shim/proto/decode.ts";
import { encode } from "../../../shim/proto/encode.ts";
import type { Fields, Given, Message } from "../../../shim/proto/message.ts";
import { MetricsV1 } from "../../../shim/proto/metrics-v1.ts";
import { MetricsV2 } from "../../../shim/proto/metrics-v2.ts";

type Texts = Readonly<Record<string, string>>;

const MAX = 2n ** 64n - 1n;

function v1(texts: Texts, partitions = "") {
  return told(MetricsV1, metricsV1(filesOf(texts), partitions));
}

function v2(texts: Texts) {
  return told(MetricsV2, metricsV2(filesOf(texts)));
}

test("v1: memory has everything of memory.stat and four amounts with their limits", () => {
  const keys =
    "cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault" +
    " inactive_anon active_anon inactive_file active_file unevictable";
  const once = keys.split(" ");
  const all = [
    ...once,
    "hierarchical_memory_limit",
    "hierarchical_memsw_limit",
    ...once.map((key) => `total_${key}`),
  ];
  const numbers = (kind: string, first: number): Texts => ({
    [`memory.${kind}limit_in_bytes`]: `${first}\n`,
    [`memory.${kind}usage_in_bytes`]: `${first + 1}\n`,
    [`memory.${kind}max_usage_in_bytes`]: `${first + 2}\n`,
    [`memory.${kind}failcnt`]: `${first + 3}\n`,
  });
  const { memory } = v1({
    "memory.stat": all.map((key, index) => `${key} ${index + 1}\n`).join(""),
    ...numbers("", 100),
    ...numbers("memsw.", 200),
    ...numbers("kmem.", 300),
    ...numbers("kmem.tcp.", 400),
  });
  // The keys are in the order of the fields, which are numbered from 1 on.
  assert.equal(
    Object.values(memory ?? {}).slice(0, 32),
    all.map((_, index) => BigInt(index + 1)),
  );
  assert.equal(memory?.hierarchicalSwapLimit, 17n);
  assert.equal(memory?.usage, { limit: 100n, usage: 101n, max: 102n, failcnt: 103n });
  assert.equal(memory?.swap, { limit: 200n, usage: 201n, max: 202n, failcnt: 203n });
  assert.equal(memory?.kernel, { limit: 300n, usage: 301n, max: 302n, failcnt: 303n });
  assert.equal(memory?.kernelTcp, { limit: 400n, usage: 401n, max: 402n, failcnt: 403n });
});

test("v1: cpu, pids, OOM killer", () => {
  const { cpu, pids, memoryOomControl } = v1({
    "cpuacct.usage": "123456789\n",
    "cpuacct.stat": "user 3\nsystem 2\n",
    "cpuacct.usage_percpu": "100 18446744073709551615 \n",
    "cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 5000\n",
    "pids.current": "3\n",
    "pids.max": "max\n",
    "memory.oom_control": "oom_kill_disable 1\nunder_oom 0\noom_kill 7\n",
  });
  assert.equal(cpu, {
    usage: { total: 123_456_789n, kernel: 20_000_000n, user: 30_000_000n, perCpu: [100n, MAX] },
    throttling: { periods: 10n, throttledPeriods: 4n, throttledTime: 5000n },
  });
  assert.equal(pids, { current: 3n, limit: 0n });
  assert.equal(memoryOomControl, { oomKillDisable: 1n, underOom: 0n, oomKill: 7n });
});

test("v1: block devices have names, huge pages are those in use, RDMA has its own", () => {
  const { blkio, hugetlb, rdma } = v1(
    {
      "blkio.throttle.io_service_bytes_recursive":
        "8:0 Read 4096\n8:0 Total 4096\n9:1 Write 1\nTotal 4097\n",
      "blkio.bfq.time_recursive": "8:0 12\n",
      "hugetlb.2MB.usage_in_bytes": "2097152\n",
      "hugetlb.2MB.max_usage_in_bytes": "4194304\n",
      "hugetlb.2MB.failcnt": "1\n",
      "hugetlb.2MB.rsvd.usage_in_bytes": "99\n",
      "rdma.current": "mlx4_0 hca_handle=2 hca_object=2000\n",
      "rdma.max": "mlx4_0 hca_handle=max hca_object=3000\n",
    },
    "major minor  #blocks  name\n\n   8        0  104857600 sda\n",
  );
  const disk = { major: 8n, minor: 0n, device: "/dev/sda" };
  assert.equal(blkio?.ioServiceBytesRecursive, [
    { ...disk, op: "Read", value: 4096n },
    { ...disk, op: "Total", value: 4096n },
    { op: "Write", device: "", major: 9n, minor: 1n, value: 1n },
  ]);
  assert.equal(blkio?.ioTimeRecursive, [{ ...disk, op: "", value: 12n }]);
  assert.equal(hugetlb, [{ usage: 2_097_152n, max: 4_194_304n, failcnt: 1n, pagesize: "2MB" }]);
  assert.equal(rdma, {
    current: [{ device: "mlx4_0", hcaHandles: 2, hcaObjects: 2000 }],
    limit: [{ device: "mlx4_0", hcaHandles: 2 ** 32 - 1, hcaObjects: 3000 }],
  });
});

const PRESSURE =
  "some avg10=1.50 avg60=0.25 avg300=0.00 total=18446744073709551615\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=7\n";

const PSI = {
  some: { avg10: 1.5, avg60: 0.25, avg300: 0, total: MAX },
  full: { avg10: 0.5, avg60: 0, avg300: 0, total: 7n },
};

test("v2: memory has everything of memory.stat, limits that are exact, and pressure", () => {
  const keys =
    "anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp" +
    " inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable" +
    " slab_unreclaimable pgfault pgmajfault workingset_refault workingset_activate" +
    " workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree" +
    " pglazyfreed thp_fault_alloc thp_collapse_alloc";
  const all = keys.split(" ");
  const { memory, memoryEvents } = v2({
    "memory.stat": all.map((key, index) => `${key} ${index + 1}\n`).join(""),
    "memory.current": "9007199254740993\n",
    "memory.max": "max\n",
    "memory.swap.current": "5\n",
    "memory.swap.max": "0\n",
    "memory.peak": "7\n",
    "memory.swap.peak": "8\n",
    "memory.pressure": PRESSURE,
    "memory.events": "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n",
  });
  assert.equal(
    Object.values(memory ?? {}).slice(0, 31),
    all.map((_, index) => BigInt(index + 1)),
  );
  assert.equal(Object.values(memory ?? {}).slice(31), [
    9_007_199_254_740_993n,
    MAX,
    5n,
    0n,
    7n,
    8n,
    PSI,
  ]);
  assert.equal(Object.values(memoryEvents ?? {}), [1n, 2n, 3n, 4n, 5n, 6n]);
});

test("v2: what newer kernels tell in two parts is summed up", () => {
  const { memory } = v2({
    "memory.stat":
      "workingset_refault_anon 1\nworkingset_refault_file 2\nworkingset_activate_anon 3\nworkingset_activate_file 4\n",
  });
  assert.is(memory?.workingsetRefault, 3n);
  assert.is(memory?.workingsetActivate, 7n);
});

test("v2: cpu in microseconds, pids, io, huge pages, RDMA", () => {
  const { cpu, pids, io, hugetlb, rdma } = v2({
    "cpu.stat":
      "usage_usec 1\nuser_usec 2\nsystem_usec 3\nnr_periods 4\nnr_throttled 5\nthrottled_usec 6\nnr_bursts 8\nburst_usec 9\n",
    "cpu.pressure": PRESSURE,
    "pids.current": "3\n",
    "pids.max": "max\n",
    "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n8:16 \nunknown rbytes=1\n",
    "io.pressure": PRESSURE,
    "hugetlb.1GB.current": "0\n",
    "hugetlb.1GB.max": "max\n",
    "hugetlb.1GB.events": "max 2\n",
    "hugetlb.1GB.rsvd.max": "5\n",
    "rdma.max": "mlx4_0 hca_handle=max hca_object=3000\n",
  });
  assert.equal(cpu, {
    usageUsec: 1n,
    userUsec: 2n,
    systemUsec: 3n,
    nrPeriods: 4n,
    nrThrottled: 5n,
    throttledUsec: 6n,
    psi: PSI,
    nrBursts: 8n,
    burstUsec: 9n,
  });
  assert.equal(pids, { current: 3n, limit: MAX });
  const none = { rbytes: 0n, wbytes: 0n, rios: 0n, wios: 0n };
  assert.equal(io?.usage, [
    { major: 8n, minor: 0n, rbytes: 1n, wbytes: 2n, rios: 3n, wios: 4n },
    { major: 8n, minor: 16n, ...none },
  ]);
  assert.equal(io?.psi, PSI);
  assert.equal(hugetlb, [{ current: 0n, max: MAX, pagesize: "1GB", failcnt: 2n }]);
  assert.equal(rdma?.limit, [{ device: "mlx4_0", hcaHandles: 2 ** 32 - 1, hcaObjects: 3000 }]);
});

test("what there is no file of is nought, and takes no bytes", () => {
  assert.is(v2({}).cpu?.psi, undefined);
  assert.is(v2({}).rdma, undefined);
  assert.is(v1({}).memory?.usage?.limit, 0n);
  assert.is(v1({}).cpu?.usage?.total, 0n);
  // Empty messages alone: two bytes each.
  assert.ok(encode(MetricsV2, metricsV2(filesOf({}))).length <= 10);
});

test.run();

/** What a client decodes. */
function told<F extends Fields>(type: Message<F>, given: Given<F>) {
  return decode(type, encode(type, given));
}

function filesOf(texts: Texts): ControlFiles {
  const read = (file: string): string => texts[file] ?? "";
  return {
    read,
    readUnified: read,
    names: (controller) => Object.keys(texts).filter((name) => name.startsWith(`${controller}.`)),
  };
}
