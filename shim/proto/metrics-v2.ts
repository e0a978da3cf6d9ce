// io.containerd.cgroups.v2: what a container has used, where all controllers have one hierarchy.
// "max" is 2^64 - 1.

import { many, message, one } from "./message.ts";

const PSIData = message("io.containerd.cgroups.v2.PSIData", {
  avg10: one(1, "double"),
  avg60: one(2, "double"),
  avg300: one(3, "double"),
  total: one(4, "uint64"),
});

const PSIStats = message("io.containerd.cgroups.v2.PSIStats", {
  some: one(1, PSIData),
  full: one(2, PSIData),
});

const PidsStat = message("io.containerd.cgroups.v2.PidsStat", {
  current: one(1, "uint64"),
  limit: one(2, "uint64"),
});

/** Microseconds. */
const CPUStat = message("io.containerd.cgroups.v2.CPUStat", {
  usageUsec: one(1, "uint64"),
  userUsec: one(2, "uint64"),
  systemUsec: one(3, "uint64"),
  nrPeriods: one(4, "uint64"),
  nrThrottled: one(5, "uint64"),
  throttledUsec: one(6, "uint64"),
  psi: one(7, PSIStats),
  nrBursts: one(8, "uint64"),
  burstUsec: one(9, "uint64"),
});

const MemoryStat = message("io.containerd.cgroups.v2.MemoryStat", {
  anon: one(1, "uint64"),
  file: one(2, "uint64"),
  kernelStack: one(3, "uint64"),
  slab: one(4, "uint64"),
  sock: one(5, "uint64"),
  shmem: one(6, "uint64"),
  fileMapped: one(7, "uint64"),
  fileDirty: one(8, "uint64"),
  fileWriteback: one(9, "uint64"),
  anonThp: one(10, "uint64"),
  inactiveAnon: one(11, "uint64"),
  activeAnon: one(12, "uint64"),
  inactiveFile: one(13, "uint64"),
  activeFile: one(14, "uint64"),
  unevictable: one(15, "uint64"),
  slabReclaimable: one(16, "uint64"),
  slabUnreclaimable: one(17, "uint64"),
  pgfault: one(18, "uint64"),
  pgmajfault: one(19, "uint64"),
  workingsetRefault: one(20, "uint64"),
  workingsetActivate: one(21, "uint64"),
  workingsetNodereclaim: one(22, "uint64"),
  pgrefill: one(23, "uint64"),
  pgscan: one(24, "uint64"),
  pgsteal: one(25, "uint64"),
  pgactivate: one(26, "uint64"),
  pgdeactivate: one(27, "uint64"),
  pglazyfree: one(28, "uint64"),
  pglazyfreed: one(29, "uint64"),
  thpFaultAlloc: one(30, "uint64"),
  thpCollapseAlloc: one(31, "uint64"),
  usage: one(32, "uint64"),
  usageLimit: one(33, "uint64"),
  /** Swap alone. */
  swapUsage: one(34, "uint64"),
  swapLimit: one(35, "uint64"),
  maxUsage: one(36, "uint64"),
  swapMaxUsage: one(37, "uint64"),
  psi: one(38, PSIStats),
});

const RdmaEntry = message("io.containerd.cgroups.v2.RdmaEntry", {
  device: one(1, "string"),
  hcaHandles: one(2, "uint32"),
  hcaObjects: one(3, "uint32"),
});

const RdmaStat = message("io.containerd.cgroups.v2.RdmaStat", {
  current: many(1, RdmaEntry),
  limit: many(2, RdmaEntry),
});

const IOEntry = message("io.containerd.cgroups.v2.IOEntry", {
  major: one(1, "uint64"),
  minor: one(2, "uint64"),
  rbytes: one(3, "uint64"),
  wbytes: one(4, "uint64"),
  rios: one(5, "uint64"),
  wios: one(6, "uint64"),
});

const IOStat = message("io.containerd.cgroups.v2.IOStat", {
  usage: many(1, IOEntry),
  psi: one(2, PSIStats),
});

const HugeTlbStat = message("io.containerd.cgroups.v2.HugeTlbStat", {
  current: one(1, "uint64"),
  max: one(2, "uint64"),
  pagesize: one(3, "string"),
  failcnt: one(4, "uint64"),
});

const MemoryEvents = message("io.containerd.cgroups.v2.MemoryEvents", {
  low: one(1, "uint64"),
  high: one(2, "uint64"),
  max: one(3, "uint64"),
  oom: one(4, "uint64"),
  oomKill: one(5, "uint64"),
  oomGroupKill: one(6, "uint64"),
});

export const MetricsV2 = message("io.containerd.cgroups.v2.Metrics", {
  pids: one(1, PidsStat),
  cpu: one(2, CPUStat),
  memory: one(4, MemoryStat),
  rdma: one(5, RdmaStat),
  io: one(6, IOStat),
  hugetlb: many(7, HugeTlbStat),
  memoryEvents: one(8, MemoryEvents),
});
