// Peak memory of one `run`: the largest process of the runtime's tree, and the cgroup of all of it.

import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import { withRoot } from "./living.ts";
import { median } from "./measure.ts";
import type { Runtime } from "./peers.ts";

const rounds = 5;

export interface Memory {
  maxRssKib: number;
  /** Undefined where the host has no memory cgroup that can be used. */
  cgroupKib: number | undefined;
}

/** Medians of a few runs. The container has a cgroup of its own, outside of the one measured. */
export function peakMemory(runtime: Runtime, folder: string): Memory {
  const bundle = writeBundle(join(folder, `memory of ${runtime.name}`.replaceAll(" ", "-")), {
    args: ["true"],
    namespaces: defaultNamespaces,
    cgroupsPath: `/runt-bench-container-${process.pid}`,
  });
  const runs = Array.from({ length: rounds }, () => measure(runtime, bundle));
  const cgroup = runs.flatMap((run) => run.cgroupKib ?? []);
  return {
    maxRssKib: median(runs.map((run) => run.maxRssKib)),
    cgroupKib: cgroup.length === 0 ? undefined : median(cgroup),
  };
}

function measure(runtime: Runtime, bundle: string): Memory {
  const cgroup = makeCgroup();
  const container = [...withRoot(runtime, bundle), "run", "--bundle", bundle, "memory"];
  const reporter = [process.execPath, join(import.meta.dirname, "children-max-rss.ts")];
  // A shell in between, because a child of this program would count this program's own peak as its
  // own: until execve they are one address space. It leaves the cgroup before it becomes the reporter.
  const script = `
    test -z "$1" || echo 0 >"$1/cgroup.procs"
    "$2" "$3" "$4" "$5" "$6" "$7" "$8" </dev/null || exit
    test -z "$1" || echo 0 >"$1/../cgroup.procs"
    shift 8
    exec "$@"`;
  const argv = ["sh", "-c", script, "sh", cgroup?.folder ?? "", ...container, ...reporter];
  const { exitCode, stdout } = Bun.spawnSync(argv, { stderr: "inherit" });
  const peak = cgroup === undefined ? undefined : Number(readFileSync(cgroup.peakFile, "utf8"));
  if (cgroup !== undefined) rmdirSync(cgroup.folder);
  if (exitCode !== 0) throw new Error(`${container.join(" ")}: exit ${exitCode}`);
  return {
    maxRssKib: Number(stdout.toString()),
    cgroupKib: peak === undefined ? undefined : peak / 1024,
  };
}

/** A new cgroup with memory accounting, on v1 or v2, and its file with the peak in bytes. */
function makeCgroup(): { folder: string; peakFile: string } | undefined {
  const root = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].find((path) =>
    existsSync(join(path, "cgroup.procs")),
  );
  if (root === undefined) return undefined;
  const folder = join(root, `runt-bench-${process.pid}`);
  mkdirSync(folder);
  const names = ["memory.max_usage_in_bytes", "memory.peak"];
  const peakFile = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (peakFile !== undefined) return { folder, peakFile };
  rmdirSync(folder);
  return undefined;
}
