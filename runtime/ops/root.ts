// The root filesystem: mounted on itself, made the root, and the old root let go.

import { EACCES, EINVAL, ENOENT, EPERM } from "../errno.ts";
import { SyscallError, withHint } from "../errors.ts";
import { makeDirectories } from "../sys/directory.ts";
import { closeFd, O_DIRECTORY, O_PATH, open, readFile } from "../sys/file.ts";
import {
  cloneTree,
  detach,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_SLAVE,
  mount,
  moveMount,
  setMountAttributes,
  tryPivotRootHere,
} from "../sys/mount.ts";
import { changeDirectory, changeRoot, workingDirectory } from "../sys/namespace.ts";
import { defineOp } from "./op.ts";

/** Sets the propagation of every mount of the namespace (mount_namespaces(7)). */
export const setPropagation = defineOp<{ target: string; flags: number; text: string }>({
  name: "mount.propagation",
  print: ({ target, text }) => `${target} ${text}`,
  run: ({ target, flags }) => mount({ source: "", target, type: "", flags, data: "" }),
});

/** chdir(2) of the host into the root filesystem, where the process that it clones next will stand. */
export const enterRoot = defineOp<{ path: string }>({
  name: "root.enter",
  print: ({ path }) => `${path} →$caller-directory`,
  run: ({ path }, { slots }) => {
    slots.put("$caller-directory", open(".", O_PATH | O_DIRECTORY));
    const fd = open(path, O_PATH | O_DIRECTORY);
    try {
      changeDirectory(fd);
    } finally {
      closeFd(fd);
    }
  },
  takeBack: (_args, { slots }) => {
    if (slots.has("$caller-directory")) changeDirectory(slots.get("$caller-directory"));
  },
});

/** Back to where the caller was. */
export const leaveRoot = defineOp<Record<string, never>>({
  name: "root.leave",
  print: () => "$caller-directory",
  run: (_args, { slots }) => {
    changeDirectory(slots.get("$caller-directory"));
    slots.close("$caller-directory");
  },
});

/** What init was born with of it: a folder of the host's. */
export const forgetCaller = defineOp<Record<string, never>>({
  name: "root.forget-caller",
  print: () => "$caller-directory",
  run: (_args, { slots }) => slots.close("$caller-directory"),
});

/**
 * Mounts the root filesystem on itself: pivot_root(2) wants a mount, and masks need one to stand on.
 * Without a path it is where init was born, which a new mount namespace has its own copy of.
 */
export const bindRoot = defineOp<{ path: string | null; propagation: number }>({
  name: "root.bind",
  print: ({ path }) => `${path ?? "."} →$root`,
  run: ({ path, propagation }, { slots }) => {
    const place = openRootDirectory(path ?? ".");
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

function openRootDirectory(path: string): number {
  try {
    return open(path, O_PATH | O_DIRECTORY);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== EACCES) throw error;
    throw withHint(
      error,
      "the root filesystem has to be open to the container's root: give it to an id that is mapped, or chmod a+x",
    );
  }
}

/** The root without a mount namespace: where init was born, and later changed into by chroot(2). */
export const openRoot = defineOp<Record<string, never>>({
  name: "root.open",
  print: () => ". →$root",
  run: (_args, { slots }) => slots.put("$root", open(".", O_PATH | O_DIRECTORY)),
  onTape: (_args, { slots }) => slots.put("$root", slots.take("$container-root")),
});

/**
 * The root filesystem mounted at a place of the container's own, in its caller's mount namespace: the
 * container's mounts stand on this one, and all of them go with it.
 */
export const bindRootAside = defineOp<{ place: string }>({
  name: "root.bind-aside",
  print: ({ place }) => `. on ${place} →$root`,
  run: ({ place }, { slots }) => {
    makeDirectories(place, 0o700);
    const root = open(".", O_PATH | O_DIRECTORY);
    const target = open(place, O_PATH | O_DIRECTORY);
    const tree = cloneTree(root, "", "recursive");
    moveMount(tree, target);
    // After the move: below a mount that is shared it has become a peer (mount_namespaces(7)).
    setMountAttributes(tree, { set: 0, clear: 0, propagation: MS_PRIVATE, recursive: true });
    closeFd(target);
    closeFd(root);
    slots.put("$root", tree);
  },
  undo: ({ place }) => {
    try {
      detach(place);
    } catch (error) {
      // EINVAL: nothing is mounted there.
      const isGone = error instanceof SyscallError && [ENOENT, EINVAL].includes(error.errno);
      if (!isGone) throw error;
    }
  },
});

/** pivot_root(2) and the end of the old root. */
export const pivotRoot = defineOp<Record<string, never>>({
  name: "root.pivot",
  print: () => "$root",
  run: (_args, { slots }) => {
    const old = open("/", O_PATH);
    changeDirectory(slots.get("$root"));
    const result = tryPivotRootHere();
    if (result < 0) {
      const hint = result === -EINVAL ? "on a ramdisk, give --no-pivot" : undefined;
      throw withHint(new SyscallError('pivot_root(".", ".")', -result), hint);
    }
    changeDirectory(old);
    // Its unmounting must not travel to the namespace that it came from.
    mount({ source: "", target: ".", type: "", flags: MS_SLAVE | MS_REC, data: "" });
    detach(".");
    closeFd(old);
    changeDirectory(slots.get("$root"));
  },
});

/**
 * The root filesystem moved over the old root, for a ramdisk, which pivot_root(2) refuses. Every
 * procfs and sysfs of the host goes first: below the new root, or with a chroot undone, they would
 * be a way around what is masked.
 */
export const moveRoot = defineOp<Record<string, never>>({
  name: "root.move",
  print: () => "$root onto /",
  run: (_args, { slots }) => {
    const root = slots.get("$root");
    changeDirectory(root);
    const own = workingDirectory();
    for (const place of kernelTrees()) {
      if (place === "/" || place === own || place.startsWith(`${own}/`)) continue;
      uncover(place);
    }
    const old = open("/", O_PATH);
    moveMount(root, old);
    closeFd(old);
    changeDirectory(root);
    changeRoot(".");
    changeDirectory(root);
  },
});

/** Where procfs and sysfs are mounted (proc_pid_mountinfo(5)), the last mounted first. */
function kernelTrees(): string[] {
  return readFile("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => /^\S+ \S+ \S+ \/ .* - (proc|sysfs) /.test(line))
    .map((line) => line.split(" ")[4] ?? "")
    .map((place) =>
      place.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))),
    )
    .toReversed();
}

/** Unmounts a tree of the host's; one that is locked in place is covered instead. */
function uncover(place: string): void {
  try {
    mount({ source: "", target: place, type: "", flags: MS_SLAVE | MS_REC, data: "" });
    detach(place);
  } catch (error) {
    const isLocked = error instanceof SyscallError && [EPERM, EINVAL].includes(error.errno);
    if (!isLocked) throw error;
    mount({ source: "tmpfs", target: place, type: "tmpfs", flags: MS_RDONLY, data: "" });
  }
}

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
