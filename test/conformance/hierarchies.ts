// The cgroup v1 hierarchies that a machine may leave out, for the conformance run and the benchmark.

import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";

const cgroupRoot = "/sys/fs/cgroup";

/** What the machine has; `missing` are controllers of v1 that cannot be mounted, with the reason. */
export type Hierarchies = { v1: false } | { v1: true; missing: Map<string, string> };

/**
 * Mounts the hierarchies that are missing. Call it in a mount namespace of one's own: nothing is
 * undone but by its end. The folders under the cgroup root come on a new tmpfs, so that the host
 * does not see them either.
 *
 * @param wanted controllers; those that share a hierarchy as one text, separated by commas
 * @throws Error where the cgroup root is not laid out as a tmpfs with one mount a folder
 */
export function mountHierarchies(wanted: readonly string[]): Hierarchies {
  const mounted = mountedControllers();
  if (mounted.size === 0) return { v1: false };
  const missing = new Map<string, string>();
  if (wanted.every((group) => group.split(",").every((name) => mounted.has(name)))) {
    return { v1: true, missing };
  }
  moveToNewTmpfs();
  for (const group of wanted) {
    const controllers = group.split(",");
    const absent = controllers.filter((controller) => !mounted.has(controller));
    if (absent.length === 0) continue;
    const folder = join(cgroupRoot, absent.join(","));
    mkdirSync(folder);
    const problem = mount("-t", "cgroup", "-o", absent.join(","), "cgroup", folder);
    if (problem !== undefined) {
      rmdirSync(folder);
      for (const controller of absent) missing.set(controller, problem);
    } else if (absent.length > 1) {
      for (const controller of absent) symlinkSync(absent.join(","), join(cgroupRoot, controller));
    }
  }
  return { v1: true, missing };
}

/**
 * The controllers, as `mountHierarchies` takes them, that keep crun from running on a host with v1
 * and v2: those that v2 has, and those of v1 hierarchies that outlived their last mount.
 */
export function strayControllers(): string[] {
  const v2File = join(cgroupRoot, "unified/cgroup.controllers");
  const v2 = existsSync(v2File) ? readFileSync(v2File, "utf8").split(/\s+/).filter(Boolean) : [];
  return [...v2, ...outlivedHierarchies()];
}

/**
 * Ends the hierarchies that are mounted nowhere and are still there: one whose cgroups were removed
 * just before its last mount went stays, until it is mounted and unmounted once more. Gives up after
 * four seconds, because what is mounted in another namespace looks the same; returns what is left.
 */
export function endOutlivedHierarchies(): string[] {
  for (let attempt = 0; attempt < 40; attempt++) {
    const outlived = outlivedHierarchies();
    if (outlived.length === 0) return [];
    const folder = mkdtempSync("/tmp/cgroup-");
    for (const group of outlived) {
      command(["unshare", "--mount", "mount", "-t", "cgroup", "-o", group, "cgroup", folder]);
    }
    rmdirSync(folder);
    Bun.sleepSync(100);
  }
  return outlivedHierarchies();
}

function outlivedHierarchies(): string[] {
  const mounted = mountedControllers();
  const lines = readFileSync("/proc/cgroups", "utf8").split("\n");
  const outlived = lines.flatMap((line) => {
    // Hierarchy 0 is v2's.
    const [, name, hierarchy] = /^(\w+)\s+([1-9]\d*)\s/.exec(line) ?? [];
    return name === undefined || mounted.has(name) ? [] : [{ name, hierarchy }];
  });
  const groups = [...Map.groupBy(outlived, ({ hierarchy }) => hierarchy).values()];
  return groups.map((group) => group.map(({ name }) => name).join(","));
}

function mountedControllers(): Set<string> {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const options = lines.flatMap((line) => / - cgroup \S+ (\S+)/.exec(line)?.[1] ?? []);
  return new Set(options.flatMap((option) => option.split(",")));
}

function moveToNewTmpfs(): void {
  const staging = mkdtempSync("/tmp/cgroup-");
  must(mount("-t", "tmpfs", "-o", "mode=755", "cgroup", staging));
  for (const name of readdirSync(cgroupRoot)) {
    const [source, target] = [join(cgroupRoot, name), join(staging, name)];
    if (lstatSync(source).isSymbolicLink()) {
      symlinkSync(readlinkSync(source), target);
    } else {
      mkdirSync(target);
      must(mount("--move", source, target));
    }
  }
  must(command(["umount", cgroupRoot]));
  must(mount("--move", staging, cgroupRoot));
  rmdirSync(staging);
}

function mount(...args: string[]): string | undefined {
  return command(["mount", ...args]);
}

function command(argv: string[]): string | undefined {
  const { exitCode, stderr } = Bun.spawnSync(argv);
  return exitCode === 0 ? undefined : `${argv.join(" ")}: ${stderr.toString().trim()}`;
}

function must(problem: string | undefined): void {
  if (problem !== undefined) throw new Error(problem);
}
