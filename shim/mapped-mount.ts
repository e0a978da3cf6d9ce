// Mounts whose ids are mapped, for containers with a user namespace: the options uidmap and gidmap,
// which are containerd's own. A snapshot is mounted so instead of being copied with other owners.

import { withParkedChild } from "../runtime/engine/park.ts";
import { RuntimeError } from "../runtime/errors.ts";
import { type IdMapping, type IdMappings, writeIdMaps } from "../runtime/ops/id-map.ts";
import { makeDirectories } from "../runtime/sys/directory.ts";
import { AT_FDCWD, closeFd, O_PATH, O_RDONLY, open } from "../runtime/sys/file.ts";
import { check } from "../runtime/sys/libc.ts";
import {
  cloneTree,
  MS_PRIVATE,
  MS_REC,
  mount,
  moveMount,
  setMountIdMap,
} from "../runtime/sys/mount.ts";
import { changeDirectory, tryJoinNamespace, unshare } from "../runtime/sys/namespace.ts";
import { CLONE_NEWNS, CLONE_NEWUSER } from "../runtime/sys/process.ts";

const OPTION = /^(uidmap|gidmap)=(.*)$/;

/** The options for the kernel, and the mappings that the others ask for. */
export function partedOptions(options: readonly string[]): {
  ids: IdMappings | undefined;
  rest: readonly string[];
} {
  const rest = options.filter((option) => !OPTION.test(option));
  if (rest.length === options.length) return { ids: undefined, rest };
  const mappings = (name: string): IdMapping[] =>
    options.flatMap((option) => {
      const [, found, text = ""] = OPTION.exec(option) ?? [];
      return found === name ? text.split(",").map(mappingOf) : [];
    });
  return { ids: { uidMappings: mappings("uidmap"), gidMappings: mappings("gidmap") }, rest };
}

function mappingOf(text: string): IdMapping {
  const match = /^(\d+):(\d+):(\d+)$/.exec(text);
  if (match === null) throw new RuntimeError(`"${text}" is not a mapping of ids`);
  const [containerID = 0, hostID = 0, size = 0] = match.slice(1).map(Number);
  return { containerID, hostID, size };
}

/** Mounts a copy of a tree, mapped, in a place. */
export function bindMapped(
  { source, target, depth }: { source: string; target: string; depth: "recursive" | "single" },
  ids: IdMappings,
): void {
  withIdMap(ids, (map) => put(mappedTree(source, map, depth), target));
}

export interface OverlayMount {
  target: string;
  flags: number;
  options: readonly string[];
}

/**
 * Mounts an overlay of mapped layers; the uppermost has the right owners already.
 *
 * An overlay takes its layers by path. So that no path shows them to others, not even when this
 * process is killed, they have theirs in a mount namespace that lasts as long as it takes.
 */
export function mountMappedOverlay(
  { target, flags, options }: OverlayMount,
  ids: IdMappings,
): void {
  const key = "lowerdir=";
  const lower = options.find((option) => option.startsWith(key))?.slice(key.length) ?? "";
  // The kernel's own way to write a colon in a path.
  const paths = lower.split(/(?<!\\):/).map((path) => path.replaceAll("\\:", ":"));
  const others = options.filter((option) => !option.startsWith(key));
  withIdMap(ids, (map) => {
    const layers = paths.map((path) => mappedTree(path, map, "single"));
    const overlay = elsewhere(() => {
      mount({ source: "none", target: "/", type: "", flags: MS_REC | MS_PRIVATE, data: "" });
      mount({ source: "tmpfs", target, type: "tmpfs", flags: 0, data: "" });
      layers.forEach((layer, index) => {
        const place = `${target}/${index}`;
        makeDirectories(place, 0o700);
        put(layer, place);
      });
      enter(target);
      const data = [`${key}${[...layers.keys()].join(":")}`, ...others].join(",");
      mount({ source: "overlay", target, type: "overlay", flags, data });
      return cloneTree(AT_FDCWD, target, "single");
    });
    put(overlay, target);
  });
}

function withIdMap(ids: IdMappings, use: (map: number) => void): void {
  withParkedChild(CLONE_NEWUSER, (pid) => {
    writeIdMaps(pid, ids);
    const map = open(`/proc/${pid}/ns/user`, O_RDONLY);
    use(map);
    closeFd(map);
  });
}

function mappedTree(path: string, map: number, depth: "recursive" | "single"): number {
  const tree = cloneTree(AT_FDCWD, path, depth);
  setMountIdMap(tree, map, depth);
  return tree;
}

function put(tree: number, target: string): void {
  const place = open(target, O_PATH);
  moveMount(tree, place);
  closeFd(place);
  closeFd(tree);
}

function enter(directory: string): void {
  const fd = open(directory, O_PATH);
  changeDirectory(fd);
  closeFd(fd);
}

/** Does something in a mount namespace of its own, and comes back; the working directory is "/" then. */
function elsewhere<T>(work: () => T): T {
  const home = open("/proc/self/ns/mnt", O_RDONLY);
  unshare(CLONE_NEWNS);
  try {
    return work();
  } finally {
    check(tryJoinNamespace(home, CLONE_NEWNS), () => `setns(${home}, CLONE_NEWNS)`);
    closeFd(home);
  }
}
