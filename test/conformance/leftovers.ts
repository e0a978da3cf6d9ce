// Cgroups that a validation program leaves: found by their names, reported, and removed.

import { type Dirent, existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { basename, join } from "node:path";

// The suite's two fixed paths, and containers' ids, which are all UUIDs.
const ours = /^(cgrouptest|testdir|.*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}.*)$/;
const patienceMs = 1000;

/** Every cgroup of every mounted hierarchy, parents before children. */
export function cgroups(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const roots = lines.flatMap((line) => / (\/sys\S*) .* - cgroup2? /.exec(line)?.[1] ?? []);
  return roots.flatMap(withDescendants);
}

/**
 * Removes the cgroups that were not there before and bear a name of the suite's.
 *
 * @param before what `cgroups` returned before the program
 * @returns one line a name: in how many places it was left, and what could not be removed
 */
export function removeNewCgroups(before: readonly string[]): string[] {
  const known = new Set(before);
  const left = cgroups().filter((path) => !known.has(path) && path.split("/").some(isOurs));
  const problems = left.reverse().flatMap((path) => remove(path) ?? []);
  const names = left.map((path) => basename(path)).filter(isOurs);
  const places = Map.groupBy(names, (name) => name);
  const lines = [...places].map(([name, all]) => `cgroup ${name} (${all.length} times)`);
  return [...lines, ...problems];
}

function isOurs(name: string): boolean {
  return ours.test(name);
}

function withDescendants(folder: string): string[] {
  const folders = subfolders(folder).map((entry) => join(folder, entry.name));
  return [folder, ...folders.flatMap(withDescendants)];
}

function subfolders(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch (error) {
    // ENOENT: removed by somebody else since its parent was read.
    if (existsSync(folder)) throw error;
    return [];
  }
}

function remove(path: string): string | undefined {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    try {
      rmdirSync(path);
      return undefined;
    } catch (error) {
      // EBUSY: the processes in it were killed with their namespaces a moment ago.
      if (performance.now() > endMs) return `cgroup ${path} stays: ${error}`;
      Bun.sleepSync(20);
    }
  }
}
