// What may be mounted over /proc and below it: almost nothing. Whoever can put files there decides
// what labels, sysctls and masks are really written to (CVE-2019-16884, CVE-2019-19921).

import { RuntimeError } from "../errors.ts";
import { filesystemMagic } from "../sys/status.ts";

const PROC_SUPER_MAGIC = 0x9fa0;

/** Files below /proc that lxcfs and the like stand in for; runc allows the same. */
const REPLACEABLE: readonly string[] = [
  "cpuinfo",
  "diskstats",
  "meminfo",
  "stat",
  "swaps",
  "uptime",
  "loadavg",
  "slabinfo",
  "sys/kernel/ns_last_pid",
  "sys/crypto/fips_enabled",
];

export interface ProcMount {
  /** The opened place of the mount. */
  target: number;
  path: string;
  /** Whether what is mounted there is a procfs. */
  isProc: boolean;
}

/** @throws RuntimeError when the mount would hide a part of procfs that is relied on */
export function guardProc({ target, path, isProc }: ProcMount): void {
  const clean = `/${path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .join("/")}`;
  if (clean === "/proc") {
    if (isProc) return;
    throw new RuntimeError(`"${path}" cannot be mounted because it is not of type proc`);
  }
  const isBelow = clean.startsWith("/proc/") || filesystemMagic(target) === PROC_SUPER_MAGIC;
  if (isBelow && !REPLACEABLE.some((name) => clean === `/proc/${name}`)) {
    throw new RuntimeError(`"${path}" cannot be mounted because it is inside /proc`);
  }
}

/** Whether an opened object is on a procfs. */
export function isProcfs(fd: number): boolean {
  return filesystemMagic(fd) === PROC_SUPER_MAGIC;
}
