// The root filesystem: mounted on itself, made the root, and the old root let go.

import { SyscallError } from "../errors.ts";
import { closeFd, O_PATH, open } from "../sys/file.ts";
import {
  cloneTree,
  detach,
  MS_PRIVATE,
  MS_REC,
  MS_SLAVE,
  mount,
  moveMount,
  pivotRootHere,
  setMountAttributes,
} from "../sys/mount.ts";
import { changeDirectory, changeRoot } from "../sys/namespace.ts";
import { defineOp } from "./op.ts";

/** Sets the propagation of every mount of the namespace (mount_namespaces(7)). */
export const setPropagation = defineOp<{ target: string; flags: number; text: string }>({
  name: "mount.propagation",
  print: ({ target, text }) => `${target} ${text}`,
  run: ({ target, flags }) => mount({ source: "", target, type: "", flags, data: "" }),
});

/** Mounts the root filesystem on itself: pivot_root(2) wants a mount, and masks need one to stand on. */
export const bindRoot = defineOp<{ path: string; propagation: number }>({
  name: "root.bind",
  print: ({ path }) => `${path} →$root`,
  run: ({ path, propagation }, { slots }) => {
    const place = open(path, O_PATH);
    const tree = cloneTree(place, "", "recursive");
    // pivot_root(2) refuses a root that is shared with another namespace.
    if (propagation !== 0) {
      setMountAttributes(tree, { set: 0, clear: 0, propagation, recursive: false });
    }
    moveMount(tree, place);
    closeFd(place);
    slots.put("$root", tree);
  },
});

/** The root without a mount namespace: opened, and later changed into by chroot(2). */
export const openRoot = defineOp<{ path: string }>({
  name: "root.open",
  print: ({ path }) => `${path} →$root`,
  run: ({ path }, { slots }) => slots.put("$root", open(path, O_PATH)),
});

/** pivot_root(2) and the end of the old root. */
export const pivotRoot = defineOp<Record<string, never>>({
  name: "root.pivot",
  print: () => "$root",
  run: (_args, { slots }) => {
    const old = open("/", O_PATH);
    changeDirectory(slots.get("$root"));
    pivotRootHere();
    changeDirectory(old);
    // Its unmounting must not travel to the namespace that it came from.
    mount({ source: "", target: ".", type: "", flags: MS_SLAVE | MS_REC, data: "" });
    detach(".");
    closeFd(old);
    changeDirectory(slots.get("$root"));
  },
});

/** chroot(2), for a container in its caller's mount namespace. */
export const chrootHere = defineOp<Record<string, never>>({
  name: "root.chroot",
  print: () => "$root",
  run: (_args, { slots }) => {
    changeDirectory(slots.get("$root"));
    changeRoot(".");
  },
});

/**
 * Where mounts stay shared with the host, only the mount that holds the root filesystem is made
 * private: pivot_root(2) refuses a parent that is shared, and the pivot must not reach the host.
 */
export const shieldRootParent = defineOp<{ path: string }>({
  name: "root.shield-parent",
  print: ({ path }) => `the mount that holds ${path} private`,
  run: ({ path }) => {
    const EINVAL = 22;
    for (let place = path; ; place = place.slice(0, place.lastIndexOf("/"))) {
      const fd = open(place === "" ? "/" : place, O_PATH);
      try {
        setMountAttributes(fd, { set: 0, clear: 0, propagation: MS_PRIVATE, recursive: false });
        return;
      } catch (error) {
        // EINVAL: not the root of a mount; the next directory up may be.
        const isBelow = error instanceof SyscallError && error.errno === EINVAL && place !== "";
        if (!isBelow) throw error;
      } finally {
        closeFd(fd);
      }
    }
  },
});
