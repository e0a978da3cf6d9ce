// Paths that the container may not see, or not change (linux.maskedPaths, linux.readonlyPaths).

import { RuntimeError } from "../errors.ts";
import { AT_FDCWD, closeFd } from "../sys/file.ts";
import {
  cloneTree,
  fsconfigCreate,
  fsconfigString,
  fsmount,
  fsopen,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  moveMount,
  setMountAttributes,
} from "../sys/mount.ts";
import { S_IFCHR, S_IFDIR, S_IFMT, statusOf } from "../sys/status.ts";
import { defineOp } from "./op.ts";
import { openExisting } from "./path.ts";
import type { Slots } from "./slots.ts";

/** An empty read-only directory over a directory, /dev/null over anything else. */
export const maskPath = defineOp<{ path: string }>({
  name: "mask",
  print: ({ path }) => path,
  run: ({ path }, { slots }) => {
    const target = openExisting(slots.get("$root"), path);
    if (target === undefined) return;
    const isDirectory = (statusOf(target).mode & S_IFMT) === S_IFDIR;
    if (isDirectory) coverDirectory(target, slots);
    else coverFile(target);
    closeFd(target);
  },
});

/** The path itself, mounted on itself read-only; other attributes stay as they are. */
export const makeReadonly = defineOp<{ path: string }>({
  name: "readonly",
  print: ({ path }) => path,
  run: ({ path }, { slots }) => {
    const target = openExisting(slots.get("$root"), path);
    if (target === undefined) return;
    const copy = cloneTree(target, "", "recursive");
    setMountAttributes(copy, {
      set: MOUNT_ATTR_RDONLY,
      clear: 0,
      propagation: 0,
      recursive: false,
    });
    moveMount(copy, target);
    closeFd(copy);
    closeFd(target);
  },
});

/** The machine's own /dev/null, and nothing that only looks like it (CVE-2025-31133). */
function coverFile(target: number): void {
  const tree = cloneTree(AT_FDCWD, "/dev/null", "single");
  const { mode, rdevMajor, rdevMinor } = statusOf(tree);
  if ((mode & S_IFMT) !== S_IFCHR || rdevMajor !== 1 || rdevMinor !== 3) {
    throw new RuntimeError("/dev/null is not the null device (character device 1:3)");
  }
  moveMount(tree, target);
  closeFd(tree);
}

/** One tmpfs without room for anything covers every masked directory: a copy each. */
function coverDirectory(target: number, slots: Slots): void {
  if (slots.has("$empty")) {
    const copy = cloneTree(slots.get("$empty"), "", "single");
    moveMount(copy, target);
    closeFd(copy);
    return;
  }
  const context = fsopen("tmpfs");
  fsconfigString(context, "nr_blocks", "1");
  fsconfigString(context, "nr_inodes", "1");
  fsconfigCreate(context);
  const attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const tree = fsmount(context, attributes);
  closeFd(context);
  moveMount(tree, target);
  slots.put("$empty", tree);
}
