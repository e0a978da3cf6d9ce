// Which directories are a container's cgroup: runc's reading of linux.cgroupsPath without systemd.

import type { CgroupLayout, Hierarchy } from "./layout.ts";
import type { SystemdManager } from "./systemd/unit.ts";

/** A container's cgroup in one hierarchy. */
export interface CgroupDirectory {
  /** As in {@link Hierarchy}: v1 controllers, or none for cgroup v2. */
  readonly controllers: readonly string[];
  /** Mount point of the hierarchy. */
  readonly mount: string;
  /** The caller's own cgroup, from the mount. */
  readonly own: string;
  /** Absolute path of the cgroup's directory. */
  readonly directory: string;
}

/** A container's cgroup in each hierarchy; none if systemd is asked for and the path names no unit. */
export function containerCgroups(
  layout: CgroupLayout,
  cgroupsPath: string | undefined,
  { id, systemd }: { id: string; systemd: SystemdManager | null },
): CgroupDirectory[] {
  if (systemd === null) return cgroupDirectories(layout, cgroupsPath, id);
  const { unitOf }: typeof import("./systemd/unit.ts") = require("./systemd/unit.ts");
  const unit = unitOf(cgroupsPath, id, systemd);
  return typeof unit === "string" ? [] : cgroupDirectories(layout, unit.path, id);
}

/**
 * A container's cgroup in each hierarchy (config-linux.md#cgroups-path). An absolute path is taken
 * from the mount; a relative one from the caller's own cgroup, on v2 from that one's parent,
 * because a v2 cgroup with processes can have no children with controllers; an absent or empty one is
 * the container's id. `..` never leads out: the path is cleaned as if it began at the root.
 */
export function cgroupDirectories(
  layout: CgroupLayout,
  cgroupsPath: string | undefined,
  id: string,
): CgroupDirectory[] {
  const absolute = cgroupsPath?.startsWith("/") ?? false;
  const path = cleanPath(cgroupsPath || id);
  return layout.hierarchies.map(({ controllers, mount, own }) => {
    const base = absolute ? "" : layout.mode === "v2" ? parentOf(own) : own;
    return { controllers, mount, own, directory: mount + cleanPath(`${base}${path}`) };
  });
}

/** Whether a path names the cgroup that it counts from, which is not the container's to limit or end. */
export function namesNoCgroup(cgroupsPath: string): boolean {
  return cgroupsPath !== "" && cleanPath(cgroupsPath) === "";
}

/** The path as if rooted: `/a/b` without empty, `.` and `..` parts; "" is the root. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.map((part) => `/${part}`).join("");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
