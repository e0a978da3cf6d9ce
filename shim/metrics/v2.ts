// What the files of cgroup v2 say, as containerd's message: the kernel's own units and limits, which
// the runtime's statistics do not keep apart. Pure.

import {
  type Amount,
  amount,
  type ControlFiles,
  flatKeyed,
  plus,
  pressure,
} from "../../runtime/cgroup/stats.ts";
import type { GivenOf } from "../proto/message.ts";
import type { MetricsV2 } from "../proto/metrics-v2.ts";
import { hugetlbIn } from "./hugetlb.ts";
import { devicesIn } from "./nested-keyed.ts";
import { rdmaIn } from "./rdma.ts";

type Given = GivenOf<typeof MetricsV2>;

export function metricsV2(files: ControlFiles): Given {
  const value = (file: string): Amount => amount(files.read(file));
  const psi = (controller: string) => pressure(files.read(`${controller}.pressure`));
  const cpu = flatKeyed(files.read("cpu.stat"));
  return {
    pids: { current: value("pids.current"), limit: value("pids.max") },
    cpu: {
      usageUsec: cpu["usage_usec"],
      userUsec: cpu["user_usec"],
      systemUsec: cpu["system_usec"],
      nrPeriods: cpu["nr_periods"],
      nrThrottled: cpu["nr_throttled"],
      throttledUsec: cpu["throttled_usec"],
      psi: psi("cpu"),
      nrBursts: cpu["nr_bursts"],
      burstUsec: cpu["burst_usec"],
    },
    memory: {
      ...memoryStat(flatKeyed(files.read("memory.stat"))),
      usage: value("memory.current"),
      usageLimit: value("memory.max"),
      swapUsage: value("memory.swap.current"),
      swapLimit: value("memory.swap.max"),
      maxUsage: value("memory.peak"),
      swapMaxUsage: value("memory.swap.peak"),
      psi: psi("memory"),
    },
    rdma: rdmaIn(files),
    io: { usage: ioIn(files), psi: psi("io") },
    hugetlb: hugetlbIn(files, ({ pagesize, read }) => ({
      pagesize,
      current: amount(read("current")),
      max: amount(read("max")),
      failcnt: flatKeyed(read("events"))["max"],
    })),
    memoryEvents: memoryEvents(flatKeyed(files.read("memory.events"))),
  };
}

function memoryStat(stat: Readonly<Record<string, Amount>>): Given["memory"] {
  /** Linux 5.9 and later tell it of anonymous pages and of files. */
  const both = (key: string): Amount =>
    stat[key] ?? plus(stat[`${key}_anon`] ?? 0, stat[`${key}_file`] ?? 0);
  return {
    anon: stat["anon"],
    file: stat["file"],
    kernelStack: stat["kernel_stack"],
    slab: stat["slab"],
    sock: stat["sock"],
    shmem: stat["shmem"],
    fileMapped: stat["file_mapped"],
    fileDirty: stat["file_dirty"],
    fileWriteback: stat["file_writeback"],
    anonThp: stat["anon_thp"],
    inactiveAnon: stat["inactive_anon"],
    activeAnon: stat["active_anon"],
    inactiveFile: stat["inactive_file"],
    activeFile: stat["active_file"],
    unevictable: stat["unevictable"],
    slabReclaimable: stat["slab_reclaimable"],
    slabUnreclaimable: stat["slab_unreclaimable"],
    pgfault: stat["pgfault"],
    pgmajfault: stat["pgmajfault"],
    workingsetRefault: both("workingset_refault"),
    workingsetActivate: both("workingset_activate"),
    workingsetNodereclaim: stat["workingset_nodereclaim"],
    pgrefill: stat["pgrefill"],
    pgscan: stat["pgscan"],
    pgsteal: stat["pgsteal"],
    pgactivate: stat["pgactivate"],
    pgdeactivate: stat["pgdeactivate"],
    pglazyfree: stat["pglazyfree"],
    pglazyfreed: stat["pglazyfreed"],
    thpFaultAlloc: stat["thp_fault_alloc"],
    thpCollapseAlloc: stat["thp_collapse_alloc"],
  };
}

function memoryEvents(events: Readonly<Record<string, Amount>>): Given["memoryEvents"] {
  return {
    low: events["low"],
    high: events["high"],
    max: events["max"],
    oom: events["oom"],
    oomKill: events["oom_kill"],
    oomGroupKill: events["oom_group_kill"],
  };
}

function ioIn({ read }: ControlFiles) {
  return devicesIn(read("io.stat")).flatMap(({ device, values }) => {
    const [major, minor] = device.split(":").map(Number);
    // Some lines are of devices without numbers.
    if (major === undefined || minor === undefined) return [];
    const { rbytes, wbytes, rios, wios } = values;
    return [{ major, minor, rbytes, wbytes, rios, wios }];
  });
}
