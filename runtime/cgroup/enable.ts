// Controllers of cgroup v2 on their way down: each level passes on what it has itself.

import { SyscallError } from "../errors.ts";
import { readFile } from "../sys/file.ts";
import { writeControl } from "./files.ts";

/**
 * Enables every controller in `cgroup.subtree_control` of each level from the mount to the parent of
 * a cgroup: all at once, and one by one where the kernel refuses, so that one that cannot be had does
 * not cost the others.
 */
export function enableControllers(mount: string, directory: string): void {
  const names = directory.slice(mount.length + 1).split("/");
  for (const depth of names.keys()) {
    const level = [mount, ...names.slice(0, depth)].join("/");
    const wanted = missingIn(level);
    if (wanted.length > 0 && !tryEnable(level, wanted)) {
      for (const name of wanted) tryEnable(level, [name]);
    }
  }
}

function missingIn(level: string): string[] {
  const words = (file: string): string[] => readFile(`${level}/${file}`).split(/\s+/);
  const enabled = new Set(words("cgroup.subtree_control"));
  return words("cgroup.controllers").filter((name) => name !== "" && !enabled.has(name));
}

function tryEnable(level: string, names: readonly string[]): boolean {
  try {
    const text = names.map((name) => `+${name}`).join(" ");
    writeControl(`${level}/cgroup.subtree_control`, text);
    return true;
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}
