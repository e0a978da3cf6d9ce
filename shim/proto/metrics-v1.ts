// io.containerd.cgroups.v1: what a container has used, where controllers have hierarchies of their
// own. Messages that containerd's shim for runc never fills are left out.

import { many, message, one } from "./message.ts";

const HugetlbStat = message("io.containerd.cgroups.v1.HugetlbStat", {
  usage: one(1, "uint64"),
  max: one(2, "uint64"),
  failcnt: one(3, "uint64"),
  pagesize: one(4, "string"),
});

const PidsStat = message("io.containerd.cgroups.v1.PidsStat", {
  current: one(1, "uint64"),
  /** 0 is none. */
  limit: one(2, "uint64"),
});

/** Nanoseconds. */
const CPUUsage = message("io.containerd.cgroups.v1.CPUUsage", {
  total: one(1, "uint64"),
  kernel: one(2, "uint64"),
  user: one(3, "uint64"),
  perCpu: many(4, "uint64"),
});

const Throttle = message("io.containerd.cgroups.v1.Throttle", {
  periods: one(1, "uint64"),
  throttledPeriods: one(2, "uint64"),
  throttledTime: one(3, "uint64"),
});

const CPUStat = message("io.containerd.cgroups.v1.CPUStat", {
  usage: one(1, CPUUsage),
  throttling: one(2, Throttle),
});

const MemoryEntry = message("io.containerd.cgroups.v1.MemoryEntry", {
  limit: one(1, "uint64"),
  usage: one(2, "uint64"),
  max: one(3, "uint64"),
  failcnt: one(4, "uint64"),
});

const MemoryStat = message("io.containerd.cgroups.v1.MemoryStat", {
  cache: one(1, "uint64"),
  rss: one(2, "uint64"),
  rssHuge: one(3, "uint64"),
  mappedFile: one(4, "uint64"),
  dirty: one(5, "uint64"),
  writeback: one(6, "uint64"),
  pgPgIn: one(7, "uint64"),
  pgPgOut: one(8, "uint64"),
  pgFault: one(9, "uint64"),
  pgMajFault: one(10, "uint64"),
  inactiveAnon: one(11, "uint64"),
  activeAnon: one(12, "uint64"),
  inactiveFile: one(13, "uint64"),
  activeFile: one(14, "uint64"),
  unevictable: one(15, "uint64"),
  hierarchicalMemoryLimit: one(16, "uint64"),
  hierarchicalSwapLimit: one(17, "uint64"),
  totalCache: one(18, "uint64"),
  totalRss: one(19, "uint64"),
  totalRssHuge: one(20, "uint64"),
  totalMappedFile: one(21, "uint64"),
  totalDirty: one(22, "uint64"),
  totalWriteback: one(23, "uint64"),
  totalPgPgIn: one(24, "uint64"),
  totalPgPgOut: one(25, "uint64"),
  totalPgFault: one(26, "uint64"),
  totalPgMajFault: one(27, "uint64"),
  totalInactiveAnon: one(28, "uint64"),
  totalActiveAnon: one(29, "uint64"),
  totalInactiveFile: one(30, "uint64"),
  totalActiveFile: one(31, "uint64"),
  totalUnevictable: one(32, "uint64"),
  usage: one(33, MemoryEntry),
  /** Memory and swap together. */
  swap: one(34, MemoryEntry),
  kernel: one(35, MemoryEntry),
  kernelTcp: one(36, MemoryEntry),
});

const BlkIOEntry = message("io.containerd.cgroups.v1.BlkIOEntry", {
  op: one(1, "string"),
  /** Path such as /dev/sda; "" of one that is not known. */
  device: one(2, "string"),
  major: one(3, "uint64"),
  minor: one(4, "uint64"),
  value: one(5, "uint64"),
});

const BlkIOStat = message("io.containerd.cgroups.v1.BlkIOStat", {
  ioServiceBytesRecursive: many(1, BlkIOEntry),
  ioServicedRecursive: many(2, BlkIOEntry),
  ioQueuedRecursive: many(3, BlkIOEntry),
  ioServiceTimeRecursive: many(4, BlkIOEntry),
  ioWaitTimeRecursive: many(5, BlkIOEntry),
  ioMergedRecursive: many(6, BlkIOEntry),
  ioTimeRecursive: many(7, BlkIOEntry),
  sectorsRecursive: many(8, BlkIOEntry),
});

const RdmaEntry = message("io.containerd.cgroups.v1.RdmaEntry", {
  device: one(1, "string"),
  hcaHandles: one(2, "uint32"),
  hcaObjects: one(3, "uint32"),
});

const RdmaStat = message("io.containerd.cgroups.v1.RdmaStat", {
  current: many(1, RdmaEntry),
  limit: many(2, RdmaEntry),
});

const MemoryOomControl = message("io.containerd.cgroups.v1.MemoryOomControl", {
  oomKillDisable: one(1, "uint64"),
  underOom: one(2, "uint64"),
  oomKill: one(3, "uint64"),
});

export const MetricsV1 = message("io.containerd.cgroups.v1.Metrics", {
  hugetlb: many(1, HugetlbStat),
  pids: one(2, PidsStat),
  cpu: one(3, CPUStat),
  memory: one(4, MemoryStat),
  blkio: one(5, BlkIOStat),
  rdma: one(6, RdmaStat),
  memoryOomControl: one(9, MemoryOomControl),
});
