// Trees of the host put in place, and mounts that are there changed; all through descriptors.

import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_PATH, open, openInRoot, S_IFDIR, S_IFMT, statusOf } from "../sys/file.ts";
import { type MountAttributes, moveMount, setMountAttributes, tryCloneTree } from "../sys/mount.ts";
import { defineOp } from "./op.ts";
import { openTarget } from "./path.ts";
import { guardProc, isProcfs } from "./proc-guard.ts";
import { guardRoot } from "./root-guard.ts";

interface OpenTree {
  path: string;
  /** Opened instead where `path` could not be made. */
  otherwise: string | null;
  recursive: boolean;
  into: string;
}

/** Opens a tree of the host as a detached copy. open_tree(2), Linux 5.2. */
export const openTree = defineOp<OpenTree>({
  name: "tree.open",
  print: ({ path, otherwise, into }) =>
    `${path}${otherwise === null ? "" : ` or ${otherwise}`} →${into}`,
  run: ({ path, otherwise, recursive, into }, { slots }) => {
    const anchor = openEither(path, otherwise);
    slots.put(into, copyOf(anchor, { path, recursive }));
    closeFd(anchor);
  },
});

function openEither(path: string, otherwise: string | null): number {
  const ENOENT = 2;
  try {
    return open(path, O_PATH);
  } catch (error) {
    const isMissing = error instanceof SyscallError && error.errno === ENOENT;
    if (!isMissing || otherwise === null) throw error;
    return open(otherwise, O_PATH);
  }
}

/** In a user namespace what is mounted below cannot be taken away (mount_namespaces(7)). */
function copyOf(anchor: number, { path, recursive }: { path: string; recursive: boolean }): number {
  const EINVAL = 22;
  const tree = tryCloneTree(anchor, "", recursive ? "recursive" : "single");
  if (tree >= 0) return tree;
  const error = new SyscallError(`open_tree("${path}", OPEN_TREE_CLONE)`, -tree);
  if (tree !== -EINVAL || recursive) throw error;
  throw new RuntimeError(
    `${error.message} (hint: in a user namespace a tree with mounts in it can only be bound with all of them, by "rbind")`,
  );
}

interface TreeMount {
  /** Slot of the detached tree. */
  tree: string;
  target: string;
  adjustments: readonly MountAttributes[];
}

/** Puts a tree of the host at its place below the root, adjusted before anyone can see it. */
export const mountTree = defineOp<TreeMount>({
  name: "mount.tree",
  print: ({ tree, target }) => `${tree} on ${target}`,
  run: ({ tree, target, adjustments }, { slots }) => {
    const source = slots.get(tree);
    for (const adjustment of adjustments) setMountAttributes(source, adjustment);
    const kind = (statusOf(source).mode & S_IFMT) === S_IFDIR ? "directory" : "file";
    const root = slots.get("$root");
    const place = openTarget(root, target, kind);
    guardRoot({ root, target: place, path: target });
    guardProc({ target: place, path: target, isProc: isProcfs(source) });
    moveMount(source, place);
    closeFd(place);
    slots.close(tree);
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
