// The mounts that make a container's root filesystem, which containerd leaves to the shim.

import { adjustmentsOf, superblockOf } from "../runtime/clauses/mount-options.ts";
import { ENOENT, errnoText } from "../runtime/errno.ts";
import { RuntimeError, withHint } from "../runtime/errors.ts";
import { mapMount } from "../runtime/ops/mount-id-map.ts";
import { mountNew, type NewFilesystem } from "../runtime/ops/new-filesystem.ts";
import { openExisting } from "../runtime/ops/path.ts";
import { adjustMount, mounting, putMount } from "../runtime/ops/put-mount.ts";
import { AT_REMOVEDIR, tryMakeDirectoryAt, tryUnlinkAt } from "../runtime/sys/entry.ts";
import { AT_FDCWD, closing, O_DIRECTORY, O_PATH, open } from "../runtime/sys/file.ts";
import { attachLoop } from "../runtime/sys/loop.ts";
import { MOUNT_ATTR_RDONLY } from "../runtime/sys/mount.ts";
import { changeDirectory } from "../runtime/sys/namespace.ts";
import { mappedOverlay, mappedTree, withIdMap } from "./mapped-mount.ts";
import type { Mount } from "./proto/common.ts";
import type { ValueOf } from "./proto/message.ts";
import { type RootfsOptions, rootfsOptions } from "./rootfs-options.ts";
import { unmountRootfs } from "./unmount-rootfs.ts";

type RootfsMount = ValueOf<typeof Mount>;

/**
 * Mounts each onto the directory, in order, and does something with that. What cannot be mounted or
 * done leaves nothing mounted. The working directory is "/" then.
 */
export function withRootfs<T>(mounts: readonly RootfsMount[], directory: string, use: () => T): T {
  if (mounts.length === 0) return use();
  const isNew = tryMakeDirectoryAt(AT_FDCWD, directory, 0o711) === 0;
  try {
    for (const [index, mount] of mounts.entries()) {
      const what = `${nameOf(mount)} (mount ${index + 1} of ${mounts.length})`;
      mounting({ what, target: mount.target || "/" }, () => mountOne(mount, directory));
    }
    // Some ways lead through a directory of /proc.
    closing(open("/", O_PATH | O_DIRECTORY), changeDirectory);
    return use();
  } catch (error) {
    unmountRootfs(directory);
    if (isNew) tryUnlinkAt(AT_FDCWD, directory, AT_REMOVEDIR);
    throw error;
  }
}

/** Options are many and long where there are many layers. */
const OPTIONS_CHARS_MAX = 200;

function nameOf({ type, source, options }: RootfsMount): string {
  const text = options.join(",");
  const short = text.length > OPTIONS_CHARS_MAX ? `${text.slice(0, OPTIONS_CHARS_MAX)}…` : text;
  return [type, source, short].filter(Boolean).join(" ");
}

function mountOne(mount: RootfsMount, directory: string): void {
  const options = rootfsOptions(mount);
  withIdMap(options.ids, (map) => {
    const made = closing(openPlace(directory, mount), (place) =>
      options.bind === undefined
        ? mountFilesystem(mount, options, { place, map })
        : mountTree(mount, options, { place, map }),
    );
    // Not before: a place that is shared makes what is put there shared.
    closing(made ?? openPlace(directory, mount), (fd) => adjustMount(fd, options.adjustments));
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

function mountTree({ source }: RootfsMount, options: RootfsOptions, { place, map }: Place): number {
  const tree = mappedTree(source, map, options.bind === "recursive");
  adjustMount(
    tree,
    adjustmentsOf(options).filter(({ propagation }) => propagation === 0),
  );
  putMount(tree, place);
  return tree;
}

/** @returns the mount; undefined where mount(2) made it, which gives none */
function mountFilesystem(
  { type, source }: RootfsMount,
  options: RootfsOptions,
  where: Place,
): number | undefined {
  const { data, attributes, loop } = options;
  const superblock = superblockOf(type, options);
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
