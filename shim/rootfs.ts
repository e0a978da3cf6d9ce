// The mounts that make a container's root filesystem, which containerd leaves to the shim.

import { adjustmentsOf, superblockOf } from "../runtime/clauses/mount-options.ts";
import { ENOENT, errnoText } from "../runtime/errno.ts";
import { RuntimeError, withHint } from "../runtime/errors.ts";
import { mapMount } from "../runtime/ops/mount-id-map.ts";
import { mountNew, type NewFilesystem } from "../runtime/ops/new-filesystem.ts";
import { openExisting } from "../runtime/ops/path.ts";
import { adjustMount, putMount } from "../runtime/ops/put-mount.ts";
import { AT_REMOVEDIR, tryMakeDirectoryAt, tryUnlinkAt } from "../runtime/sys/entry.ts";
import { AT_FDCWD, closing, O_DIRECTORY, O_PATH, open } from "../runtime/sys/file.ts";
import { attachLoop } from "../runtime/sys/loop.ts";
import { MOUNT_ATTR_RDONLY } from "../runtime/sys/mount.ts";
import { changeDirectory } from "../runtime/sys/namespace.ts";
import { mappedOverlay, mappedTree, withIdMap } from "./mapped-mount.ts";
import { naming, type RootfsMount } from "./rootfs-mount.ts";
import { unmountRootfs } from "./unmount-rootfs.ts";

/** Kinds of mounts that wait for no device, server or process. */
const AT_ONCE = ["bind", "overlay", "tmpfs"];

/** Whether all are mounted without waiting for anybody. */
export function isMountedAtOnce(mounts: readonly RootfsMount[]): boolean {
  return mounts.every(
    ({ type, ids, loop }) => AT_ONCE.includes(type) && ids === undefined && loop === undefined,
  );
}

export interface Rootfs {
  /** Mounts each onto the directory, in order. The working directory is "/" then. */
  mount(): void;
  /** Leaves nothing of that, whatever has failed. May take its time. */
  takeBack(): void;
}

export function rootfsOf(mounts: readonly RootfsMount[], directory: string): Rootfs {
  let isNew = false;
  return {
    mount() {
      if (mounts.length === 0) return;
      isNew = tryMakeDirectoryAt(AT_FDCWD, directory, 0o711) === 0;
      try {
        for (const mount of mounts) naming(mount.name, () => mountOne(mount, directory));
      } finally {
        // Some ways lead through a directory of /proc.
        closing(open("/", O_PATH | O_DIRECTORY), changeDirectory);
      }
    },
    takeBack() {
      if (mounts.length === 0) return;
      unmountRootfs(directory);
      if (isNew) tryUnlinkAt(AT_FDCWD, directory, AT_REMOVEDIR);
    },
  };
}

function mountOne(mount: RootfsMount, directory: string): void {
  withIdMap(mount.ids, (map) => {
    const made = closing(openPlace(directory, mount), (place) =>
      mount.bind === undefined
        ? mountFilesystem(mount, { place, map })
        : mountTree(mount, { place, map }),
    );
    const { adjustments } = mount;
    if (made === undefined && adjustments.length === 0) return;
    // Not before: a place that is shared makes what is put there shared.
    closing(made ?? openPlace(directory, mount), (fd) => adjustMount(fd, adjustments));
  });
}

/** Links of an image lead nowhere else. @throws RuntimeError where there is no such place */
function openPlace(directory: string, { target }: RootfsMount): number {
  const place = closing(open(directory, O_PATH | O_DIRECTORY), (root) =>
    openExisting(root, target),
  );
  if (place !== undefined) return place;
  throw withHint(
    new RuntimeError(errnoText(ENOENT)),
    "the place has to be there, in what is mounted before",
  );
}

interface Place {
  place: number;
  /** A user namespace with the mapping of ids. */
  map: number | undefined;
}

function mountTree(mount: RootfsMount, { place, map }: Place): number {
  const tree = mappedTree(mount.source, map, mount.bind === "recursive");
  const changes = adjustmentsOf(mount).filter(({ propagation }) => propagation === 0);
  adjustMount(tree, changes);
  putMount(tree, place);
  return tree;
}

/** @returns the mount; undefined where mount(2) made it, which gives none */
function mountFilesystem(mount: RootfsMount, where: Place): number | undefined {
  const { type, source, data, attributes, loop } = mount;
  const superblock = superblockOf(type, mount);
  const filesystem = { type, source, data, attributes: attributes.set, superblock };
  if (loop === undefined) return putFilesystem(filesystem, where);
  const readOnly = (attributes.set & MOUNT_ATTR_RDONLY) !== 0;
  const device = attachLoop(source, { readOnly, ...loop });
  return closing(device.fd, () => putFilesystem({ ...filesystem, source: device.path }, where));
}

function putFilesystem(filesystem: NewFilesystem, { place, map }: Place): number | undefined {
  if (map === undefined) return mountNew(filesystem, place);
  if (filesystem.type === "overlay") {
    const overlay = mappedOverlay(filesystem, map);
    putMount(overlay, place);
    return overlay;
  }
  const path = filesystem.source;
  return mountNew(filesystem, place, (fd) => mapMount(fd, { path, map, recursive: false }));
}
