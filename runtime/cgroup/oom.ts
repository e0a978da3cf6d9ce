// Word of the OOM killer in a container's cgroup: by eventfd on v1 (cgroup-v1/memory.rst, "OOM
// Control"), by memory.events on v2.

import { openEventFd, takeChanges, takeEvents, watchFile } from "../sys/event.ts";
import { closeFd, O_RDONLY, open, readFile } from "../sys/file.ts";
import { exists, writeControl } from "./files.ts";
import { flatKeyed } from "./stats.ts";

export interface OomWatch {
  /** Readable when there may be news. */
  fd: number;
  /** How often it struck since it was last asked. */
  take(): number;
}

/** @throws SyscallError where the kernel cannot tell */
export function watchOom(directory: string, layout: "v1" | "v2"): OomWatch {
  return layout === "v1" ? watchV1(directory) : watchV2(directory);
}

/** The end of the cgroup is an event as well. */
function watchV1(directory: string): OomWatch {
  const fd = openEventFd();
  const control = open(`${directory}/memory.oom_control`, O_RDONLY);
  writeControl(`${directory}/cgroup.event_control`, `${fd} ${control}`);
  closeFd(control);
  return {
    fd,
    take: () => {
      const count = takeEvents(fd);
      return exists(`${directory}/cgroup.event_control`) ? count : 0;
    },
  };
}

function watchV2(directory: string): OomWatch {
  const file = `${directory}/memory.events`;
  const fd = watchFile(file);
  const kills = (): number => Number(flatKeyed(readFile(file))["oom_kill"] ?? 0);
  let before = kills();
  return {
    fd,
    take: () => {
      takeChanges(fd);
      if (!exists(file)) return 0;
      const now = kills();
      const count = now - before;
      before = now;
      return count;
    },
  };
}
