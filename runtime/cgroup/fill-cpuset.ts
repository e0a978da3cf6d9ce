// A new v1 cpuset has no CPUs and no memory nodes, and nothing can join it until it has some.

import { readFile } from "../sys/file.ts";
import { writeControl } from "./files.ts";

/**
 * Gives a v1 cpuset, and each level above it that has none, the CPUs and memory nodes of its parent
 * (cgroup-v1/cpusets.rst). Levels that have some are left alone.
 * @param directory the cgroup, at or below `mount`, where the hierarchy is mounted.
 */
export function fillCpuset(directory: string, mount: string): void {
  if (directory === mount) return;
  const parent = directory.slice(0, directory.lastIndexOf("/"));
  const empty = ["cpuset.cpus", "cpuset.mems"].filter((file) => read(directory, file) === "");
  if (empty.length === 0) return;
  fillCpuset(parent, mount);
  for (const file of empty) writeControl(`${directory}/${file}`, read(parent, file));
}

function read(directory: string, file: string): string {
  return readFile(`${directory}/${file}`).trim();
}
