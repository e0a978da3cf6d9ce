// A cgroup in which processor time is counted, that of all who ever were in it.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface CpuGroup {
  /** Of the group in its hierarchy; containers may have theirs below it. */
  path: string;
  /** A command line whose process is born in it. */
  wrap(command: readonly string[]): string[];
  usedMs(): number;
  end(): void;
}

const root = "/sys/fs/cgroup";

export function makeCpuGroup(name: string): CpuGroup {
  const hierarchy = join(root, "cpuacct");
  const isV1 = existsSync(hierarchy);
  const path = `/bench-${process.pid}-${name.replaceAll(" ", "-")}`;
  // A group of v2 that has processes has no groups below that count by themselves.
  const folder = isV1 ? join(hierarchy, path) : join(root, path, "shims");
  mkdirSync(folder, { recursive: true });
  return {
    path,
    wrap: (command) => ["sh", "-c", `echo 0 >${folder}/cgroup.procs; exec "$@"`, "sh", ...command],
    usedMs: () => {
      if (isV1) return Number(readFileSync(join(folder, "cpuacct.usage"), "utf8")) / 1e6;
      const text = readFileSync(join(root, path, "cpu.stat"), "utf8");
      return Number(/^usage_usec (\d+)/m.exec(text)?.[1]) / 1000;
    },
    end: () => {
      // Of what was interrupted somebody may be left, and who has been killed goes a moment later.
      const script = `for turn in 1 2 3 4 5 6 7 8 9 10; do
        groups=$(find ${root}/*${path} ${root}${path} -depth -type d)
        test -n "$groups" || exit
        for group in $groups; do cat $group/cgroup.procs; done | sort -u | xargs -r kill -9
        rmdir $groups || sleep 0.2
      done`;
      Bun.spawnSync(["sh", "-c", script], { stderr: "ignore" });
    },
  };
}
