// Reads what a container has used from the files of its cgroups.

import { ENODEV, ENOENT, EOPNOTSUPP } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { listDirectory } from "../sys/directory.ts";
import { closeFd, O_RDONLY, readText, tryOpen } from "../sys/file.ts";
import { CONTROLLERS } from "./controllers/table.ts";
import { exists } from "./files.ts";
import type { CgroupDirectory } from "./paths.ts";
import type { ControlFiles, Stats } from "./stats.ts";

/** What a file answers that is not there, or is not any more. */
const MISSING: readonly number[] = [ENOENT, ENODEV, EOPNOTSUPP];

/** What the files say now; nought where a controller, or the whole cgroup, is not there. */
export function readStats(places: readonly CgroupDirectory[], layout: "v1" | "v2"): Stats {
  return statsIn(controlFiles(places, layout), layout);
}

/** What the texts of files say. Pure. */
export function statsIn(files: ControlFiles, layout: "v1" | "v2"): Stats {
  const stats = emptyStats();
  for (const { stats: of } of CONTROLLERS) Object.assign(stats, of?.[layout](files));
  return stats;
}

/** The files of a container's cgroups; each has no text where it is not there. */
export function controlFiles(
  places: readonly CgroupDirectory[],
  layout: "v1" | "v2",
): ControlFiles {
  const unified = places.find(({ controllers }) => controllers.length === 0)?.directory;
  const directoryOf = (controller: string): string | undefined =>
    layout === "v2"
      ? unified
      : places.find(({ controllers }) => controllers.includes(controller))?.directory;
  const textIn = (directory: string | undefined, file: string): string =>
    directory === undefined ? "" : contents(`${directory}/${file}`);
  return {
    read: (file) => textIn(directoryOf(file.slice(0, file.indexOf("."))), file),
    readUnified: (file) => textIn(unified, file),
    names: (controller) => {
      const directory = directoryOf(controller);
      if (directory === undefined || !exists(directory)) return [];
      return listDirectory(directory)
        .map(({ name }) => name)
        .filter((name) => name.startsWith(`${controller}.`));
    },
  };
}

/** Not every kernel has every file, and a cgroup can go; pressure may be switched off. */
function contents(path: string): string {
  const fd = tryOpen(path, O_RDONLY);
  if (fd < 0 && !MISSING.includes(-fd)) throw new SyscallError(`open("${path}")`, -fd);
  if (fd < 0) return "";
  try {
    return readText(fd);
  } catch (error) {
    if (error instanceof SyscallError && MISSING.includes(error.errno)) return "";
    throw error;
  } finally {
    closeFd(fd);
  }
}

function emptyStats(): Stats {
  const none = 0;
  const bounded = { limit: none, usage: none, max: none, failcnt: none };
  return {
    cpu: {
      usage: { total: none, kernel: none, user: none },
      throttling: { periods: none, throttledPeriods: none, throttledTime: none },
    },
    cpuset: {
      cpu_exclusive: none,
      mem_hardwall: none,
      mem_exclusive: none,
      memory_migrate: none,
      memory_spread_page: none,
      memory_spread_slab: none,
      memory_pressure: none,
      sched_load_balance: none,
      sched_relax_domain_level: none,
    },
    memory: {
      cache: none,
      usage: bounded,
      swap: bounded,
      kernel: bounded,
      kernelTCP: bounded,
      raw: {},
    },
    pids: { current: none, limit: none },
    blkio: {},
    hugetlb: {},
  };
}
