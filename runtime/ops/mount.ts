// Trees of the host put in place, and mounts that are there changed; all through descriptors.

import { closeFd, O_PATH, openInRoot } from "../sys/file.ts";
import { type MountAttributes, setMountAttributes } from "../sys/mount.ts";
import { S_IFDIR, S_IFMT, statusOf } from "../sys/status.ts";
import { defineOp, type OpDefinition } from "./op.ts";
import { openTarget } from "./path.ts";
import { guardProc, isProcfs } from "./proc-guard.ts";
import { adjustMount, mounting, putMount } from "./put-mount.ts";
import { guardRoot } from "./root-guard.ts";
import { copyOfTree } from "./tree-copy.ts";

interface OpenTree {
  path: string;
  /** Opened instead where `path` could not be made. */
  otherwise: string | null;
  recursive: boolean;
  into: string;
}

const opening: Pick<OpDefinition<OpenTree>, "print" | "run"> = {
  print: ({ path, otherwise, into }) =>
    `${path}${otherwise === null ? "" : ` or ${otherwise}`} →${into}`,
  run: ({ path, otherwise, recursive, into }, { slots }) => {
    slots.put(into, copyOfTree({ path, otherwise, recursive }));
  },
};

/** Opens a tree of the host as a detached copy. open_tree(2), Linux 5.2. */
export const openTree = defineOp<OpenTree>({ name: "tree.open", ...opening });

/** The same of a cgroup, whose filesystem no server can make wait. */
export const openCgroupTree = defineOp<OpenTree>({ name: "cgroup.open-tree", ...opening });

interface TreeMount {
  /** Slot of the detached tree. */
  tree: string;
  /** What it was opened by. */
  path: string;
  target: string;
  adjustments: readonly MountAttributes[];
}

/** Puts a tree of the host at its place below the root, adjusted before anyone can see it. */
export const mountTree = defineOp<TreeMount>({
  name: "mount.tree",
  print: ({ tree, target }) => `${tree} on ${target}`,
  run: ({ tree, path, target, adjustments }, { slots }) => {
    mounting({ what: path, target }, () => {
      const mount = slots.get(tree);
      adjustMount(mount, adjustments);
      const kind = (statusOf(mount).mode & S_IFMT) === S_IFDIR ? "directory" : "file";
      const root = slots.get("$root");
      const place = openTarget(root, target, kind);
      guardRoot({ root, target: place, path: target });
      guardProc({ target: place, path: target, isProc: isProcfs(mount) });
      putMount(mount, place);
      closeFd(place);
      slots.close(tree);
    });
  },
});

/** Changes attributes of a mount that is in place. mount_setattr(2), Linux 5.12. */
export const setAttributes = defineOp<{
  target: string;
  attributes: MountAttributes;
  text: string;
}>({
  name: "mount.attributes",
  print: ({ target, text }) => `${target} (${text})`,
  run: ({ target, attributes }, { slots }) => {
    const fd = openInRoot(slots.get("$root"), target, O_PATH);
    setMountAttributes(fd, attributes);
    closeFd(fd);
  },
});
