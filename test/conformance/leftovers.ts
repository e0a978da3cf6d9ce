// Cgroups that a validation program leaves: found by their names, reported, and removed.

import { type Dirent, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

// The suite's two fixed paths, and containers' ids, which are all UUIDs.
const ours = /^(cgrouptest|testdir|.*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}.*)$/;

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
 * @returns their paths, with what stood in the way where one could not be removed
 */
export function removeNewCgroups(before: readonly string[]): string[] {
  const known = new Set(before);
  const left = cgroups().filter((path) => !known.has(path) && path.split("/").some(isOurs));
  return left.reverse().map((path) => {
    try {
      rmdirSync(path);
      return path;
    } catch (error) {
      return `${path} (not removed: ${error})`;
    }
  });
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
  } catch {
    // Removed by somebody else since its parent was read.
    return [];
  }
}
