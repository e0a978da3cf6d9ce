// What the files of cgroup v1 say, as containerd's message. Pure.

import { statsIn } from "../../runtime/cgroup/read-stats.ts";
import {
  type Amount,
  amount,
  type BlkioEntry,
  type ControlFiles,
  flatKeyed,
} from "../../runtime/cgroup/stats.ts";
import type { GivenOf } from "../proto/message.ts";
import type { MetricsV1 } from "../proto/metrics-v1.ts";
import { hugetlbIn } from "./hugetlb.ts";
import { rdmaIn } from "./rdma.ts";

type Given = GivenOf<typeof MetricsV1>;

/** @param partitions text of /proc/partitions, which has the names of block devices */
export function metricsV1(files: ControlFiles, partitions: string): Given {
  const { pids, cpu, memory, blkio } = statsIn(files, "v1");
  const { total, kernel, user, percpu } = cpu.usage;
  const oom = flatKeyed(files.read("memory.oom_control"));
  const devices = devicesIn(partitions);
  const named = (entries: readonly BlkioEntry[] = []) =>
    entries.map((entry) => ({ ...entry, device: devices[`${entry.major}:${entry.minor}`] }));
  return {
    hugetlb: hugetlbIn(files, ({ pagesize, read }) => ({
      pagesize,
      usage: amount(read("usage_in_bytes")),
      max: amount(read("max_usage_in_bytes")),
      failcnt: amount(read("failcnt")),
    })),
    pids,
    cpu: { usage: { total, kernel, user, perCpu: percpu }, throttling: cpu.throttling },
    memory: {
      ...memoryStat(memory.raw),
      usage: memory.usage,
      swap: memory.swap,
      kernel: memory.kernel,
      kernelTcp: memory.kernelTCP,
    },
    blkio: {
      ioServiceBytesRecursive: named(blkio.ioServiceBytesRecursive),
      ioServicedRecursive: named(blkio.ioServicedRecursive),
      ioQueuedRecursive: named(blkio.ioQueueRecursive),
      ioServiceTimeRecursive: named(blkio.ioServiceTimeRecursive),
      ioWaitTimeRecursive: named(blkio.ioWaitTimeRecursive),
      ioMergedRecursive: named(blkio.ioMergedRecursive),
      ioTimeRecursive: named(blkio.ioTimeRecursive),
      sectorsRecursive: named(blkio.sectorsRecursive),
    },
    rdma: rdmaIn(files),
    memoryOomControl: {
      oomKillDisable: oom["oom_kill_disable"],
      underOom: oom["under_oom"],
      oomKill: oom["oom_kill"],
    },
  };
}

/** `total_` is with all cgroups below. */
function memoryStat(stat: Readonly<Record<string, Amount>>): Given["memory"] {
  return {
    cache: stat["cache"],
    rss: stat["rss"],
    rssHuge: stat["rss_huge"],
    mappedFile: stat["mapped_file"],
    dirty: stat["dirty"],
    writeback: stat["writeback"],
    pgPgIn: stat["pgpgin"],
    pgPgOut: stat["pgpgout"],
    pgFault: stat["pgfault"],
    pgMajFault: stat["pgmajfault"],
    inactiveAnon: stat["inactive_anon"],
    activeAnon: stat["active_anon"],
    inactiveFile: stat["inactive_file"],
    activeFile: stat["active_file"],
    unevictable: stat["unevictable"],
    hierarchicalMemoryLimit: stat["hierarchical_memory_limit"],
    hierarchicalSwapLimit: stat["hierarchical_memsw_limit"],
    totalCache: stat["total_cache"],
    totalRss: stat["total_rss"],
    totalRssHuge: stat["total_rss_huge"],
    totalMappedFile: stat["total_mapped_file"],
    totalDirty: stat["total_dirty"],
    totalWriteback: stat["total_writeback"],
    totalPgPgIn: stat["total_pgpgin"],
    totalPgPgOut: stat["total_pgpgout"],
    totalPgFault: stat["total_pgfault"],
    totalPgMajFault: stat["total_pgmajfault"],
    totalInactiveAnon: stat["total_inactive_anon"],
    totalActiveAnon: stat["total_active_anon"],
    totalInactiveFile: stat["total_inactive_file"],
    totalActiveFile: stat["total_active_file"],
    totalUnevictable: stat["total_unevictable"],
  };
}

/** Paths by numbers, out of lines such as `   8        0  104857600 sda`. */
function devicesIn(partitions: string): Readonly<Record<string, string>> {
  const lines = [...partitions.matchAll(/^\s*(\d+)\s+(\d+)\s+\d+\s+(\S+)$/gm)];
  return Object.fromEntries(
    lines.map(([, major, minor, name]) => [`${major}:${minor}`, `/dev/${name}`]),
  );
}
