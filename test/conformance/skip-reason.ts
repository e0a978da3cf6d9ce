// Which validation programs cannot run on a host, and why.

import type { Hierarchies } from "./hierarchies.ts";

/** The controllers that a program reads back, by a word in its name. */
const controllers: Record<string, readonly string[]> = {
  blkio: ["blkio"],
  cpus: ["cpu", "cpuset"],
  devices: ["devices"],
  hugetlb: ["hugetlb"],
  memory: ["memory"],
  network: ["net_cls", "net_prio"],
  pids: ["pids"],
};

/** These ask for a cgroup of the pids hierarchy, or for its files, without it in their names. */
const alsoCgroups = ["delete_only_create_resources", "delete_resources"];

/** The reason why a program cannot run, or undefined where it can. */
export function skipReason(name: string, hierarchies: Hierarchies): string | undefined {
  const word = /^linux_cgroups_(?:relative_)?(\w+)$/.exec(name)?.[1];
  if (word === undefined && !alsoCgroups.includes(name)) return undefined;
  if (!hierarchies.v1) return "it reads the files of cgroup v1";
  const missing = (controllers[word ?? "pids"] ?? []).filter((c) => hierarchies.missing.has(c));
  return missing.map((controller) => hierarchies.missing.get(controller))[0];
}
