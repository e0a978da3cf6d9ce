// Mounts whose ids are mapped, for containers with a user namespace. A snapshot is mounted so
// instead of being copied with other owners.

import { withParkedChild } from "../runtime/engine/park.ts";
import { type IdMappings, writeIdMaps } from "../runtime/ops/id-map.ts";
import { mapMount } from "../runtime/ops/mount-id-map.ts";
import { makeMount, mountNew, type NewFilesystem } from "../runtime/ops/new-filesystem.ts";
import { openTarget } from "../runtime/ops/path.ts";
import { putMount } from "../runtime/ops/put-mount.ts";
import { copyOfTree } from "../runtime/ops/tree-copy.ts";
import { closeFd, closing, O_PATH, O_RDONLY, open, openAt } from "../runtime/sys/file.ts";
import { check } from "../runtime/sys/libc.ts";
import { cloneTree, MS_PRIVATE, MS_REC, mount } from "../runtime/sys/mount.ts";
import { tryJoinNamespace, unshare } from "../runtime/sys/namespace.ts";
import { CLONE_NEWNS, CLONE_NEWUSER } from "../runtime/sys/process.ts";

/** Calls `use` with a user namespace that has the mappings; with none where there are no mappings. */
export function withIdMap(
  ids: IdMappings | undefined,
  use: (map: number | undefined) => void,
): void {
  if (ids === undefined) {
    use(undefined);
    return;
  }
  withParkedChild(CLONE_NEWUSER, (pid) => {
    writeIdMaps(pid, ids);
    closing(open(`/proc/${pid}/ns/user`, O_RDONLY), use);
  });
}

/** A copy of a tree, mapped. */
export function mappedTree(path: string, map: number | undefined, recursive: boolean): number {
  const tree = copyOfTree({ path, otherwise: null, recursive });
  if (map !== undefined) mapMount(tree, { path, map, recursive });
  return tree;
}

/**
 * An overlay of mapped layers, which nobody sees; the uppermost has the right owners already.
 *
 * An overlay takes its layers by path. So that no path shows them to others, not even when this
 * process is killed, they have theirs in a mount namespace that lasts as long as it takes.
 */
export function mappedOverlay(overlay: NewFilesystem, map: number): number {
  const key = "lowerdir=";
  const lower = overlay.data.find((option) => option.startsWith(key))?.slice(key.length) ?? "";
  // The kernel's own way to write a colon in a path.
  const paths = lower.split(/(?<!\\):/).map((path) => path.replaceAll("\\:", ":"));
  const others = overlay.data.filter((option) => !option.startsWith(key));
  const layers = paths.map((path) => mappedTree(path, map, false));
  return elsewhere((directory) => {
    for (const layer of layers) {
      closing(openTarget(directory, `${layer}`, "directory"), (place) => putMount(layer, place));
    }
    // mountNew is where numbers of descriptors are paths.
    const data = [`${key}${layers.join(":")}`, ...others];
    closing(openTarget(directory, "overlay", "directory"), (place) =>
      mountNew({ ...overlay, data }, place),
    );
    for (const layer of layers) closeFd(layer);
    return closing(openAt(directory, "overlay", O_PATH), (fd) => cloneTree(fd, "", "single"));
  });
}

/** Does something with an empty directory that is in no other mount namespace, and comes back. */
function elsewhere<T>(work: (directory: number) => T): T {
  const home = open("/proc/self/ns/mnt", O_RDONLY);
  unshare(CLONE_NEWNS);
  try {
    mount({ source: "none", target: "/", type: "", flags: MS_REC | MS_PRIVATE, data: "" });
    const tmpfs = { type: "tmpfs", source: "tmpfs", data: [], attributes: 0, superblock: 0 };
    return closing(makeMount(tmpfs), (directory) => {
      closing(open("/", O_PATH), (root) => putMount(directory, root));
      return work(directory);
    });
  } finally {
    check(tryJoinNamespace(home, CLONE_NEWNS), () => `setns(${home}, CLONE_NEWNS)`);
    closeFd(home);
  }
}
