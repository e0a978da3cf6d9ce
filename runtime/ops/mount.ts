// Mounts, all through descriptors: new filesystems, trees of the host, attributes, remounts.

import { SyscallError } from "../errors.ts";
import {
  closeFd,
  O_PATH,
  open,
  openInRoot,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFMT,
  statusOf,
} from "../sys/file.ts";
import {
  cloneTree,
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_STRICTATIME,
  type MountAttributes,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_REMOUNT,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  mount,
  moveMount,
  setMountAttributes,
} from "../sys/mount.ts";
import { changeDirectory } from "../sys/namespace.ts";
import { type MountIdMap, mapMount } from "./mount-id-map.ts";
import { defineOp } from "./op.ts";
import { openExisting, openTarget } from "./path.ts";
import { openProc } from "./proc.ts";
import { guardProc, isProcfs } from "./proc-guard.ts";
import type { Slots } from "./slots.ts";

interface FilesystemMount {
  type: string;
  /** Device or dummy, as mount(8) shows it. */
  source: string;
  target: string;
  /** Filesystem-specific options, `key` or `key=value`. */
  data: readonly string[];
  /** MOUNT_ATTR_* of the mount. */
  attributes: number;
  /** MS_* of the superblock: MS_RDONLY, MS_SYNCHRONOUS, MS_LAZYTIME and the like. */
  superblock: number;
  /** What is done to the mount once it is in place, in order: propagation, recursive attributes. */
  adjustments: readonly MountAttributes[];
  /** How its ids are mapped, or null. */
  idMap: MountIdMap | null;
}

/** fsconfig(2) copies no string longer than this; longer ones take mount(2). */
const FSCONFIG_STRING_BYTES_MAX = 255;

/** Superblock flags as fsconfig(2) names them. */
const SUPERBLOCK_FLAGS: readonly (readonly [number, string])[] = [
  [MS_RDONLY, "ro"],
  [MS_SYNCHRONOUS, "sync"],
  [MS_DIRSYNC, "dirsync"],
  [MS_MANDLOCK, "mand"],
  [MS_LAZYTIME, "lazytime"],
];

/** Makes a filesystem and mounts it below the root. fsmount(2) and move_mount(2), Linux 5.2. */
export const mountFilesystem = defineOp<FilesystemMount>({
  name: "mount.filesystem",
  print: ({ type, target, data }) => `${type} on ${target}${parenthesised(data.join(","))}`,
  run: (args, { slots }) => {
    const root = slots.get("$root");
    const { target, existed } = openMountPoint(root, args);
    guardProc({ target, path: args.target, isProc: args.type === "proc" });
    const whole = { ...args, data: existed ? withMode(args, target) : args.data };
    const made = needsText(args)
      ? mountByText(whole, { root, target })
      : mountByContext(whole, target, slots);
    for (const adjustment of args.adjustments) setMountAttributes(made, adjustment);
    closeFd(made);
    closeFd(target);
  },
});

/**
 * Overlay's layers are one string; an i_version flag is known to mount(2) alone, and an idmapped
 * mount to the others.
 */
function needsText(args: FilesystemMount): boolean {
  if (args.idMap !== null) return false;
  return (
    args.type === "overlay" ||
    (args.superblock & MS_I_VERSION) !== 0 ||
    [args.source, ...args.data].some((text) => text.length > FSCONFIG_STRING_BYTES_MAX)
  );
}

function mountByContext(args: FilesystemMount, target: number, slots: Slots): number {
  const context = fsopen(args.type);
  if (args.source !== "") fsconfigString(context, "source", args.source);
  for (const [flag, key] of SUPERBLOCK_FLAGS) {
    if ((args.superblock & flag) !== 0) fsconfigFlag(context, key);
  }
  for (const option of args.data) {
    const equals = option.indexOf("=");
    if (equals < 0) fsconfigFlag(context, option);
    else fsconfigString(context, option.slice(0, equals), option.slice(equals + 1));
  }
  fsconfigCreate(context);
  const made = fsmount(context, args.attributes);
  closeFd(context);
  if (args.idMap !== null) mapMount(made, { ...args.idMap, path: args.target, slots });
  moveMount(made, target);
  return made;
}

/** mount(2) onto an opened directory, reached through a procfs of our own. */
function mountByText(args: FilesystemMount, place: { root: number; target: number }): number {
  const flags = args.superblock | flagsFrom(args.attributes);
  const { source, type } = args;
  atOpened(place.target, (target) => {
    mount({ source, target, type, flags, data: args.data.join(",") });
  });
  return openInRoot(place.root, args.target, O_PATH);
}

/** Calls `use` with a path that means an opened object, whatever is mounted on /proc. */
function atOpened(fd: number, use: (path: string) => void): void {
  const proc = openProc();
  changeDirectory(proc);
  use(`thread-self/fd/${fd}`);
  closeFd(proc);
}

/** MS_* for MOUNT_ATTR_*: the low four bits are the same. */
function flagsFrom(attributes: number): number {
  const others = [
    [MOUNT_ATTR_NOATIME, MS_NOATIME],
    [MOUNT_ATTR_STRICTATIME, MS_STRICTATIME],
    [MOUNT_ATTR_NODIRATIME, MS_NODIRATIME],
    [MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW],
  ] as const;
  return others.reduce(
    (flags, [attribute, flag]) => ((attributes & attribute) !== 0 ? flags | flag : flags),
    attributes & 0xf,
  );
}

/**
 * The place of a mount, opened and made. procfs and sysfs only ever go onto real directories: a
 * symbolic link there is an attack on what is masked below them (CVE-2019-19921, CVE-2023-27561).
 */
function openMountPoint(
  root: number,
  args: { type: string; target: string },
): { target: number; existed: boolean } {
  const isKernelTree = args.type === "proc" || args.type === "sysfs";
  const existing = openExisting(root, args.target, isKernelTree ? RESOLVE_NO_SYMLINKS : 0);
  if (existing !== undefined) return { target: existing, existed: true };
  return { target: openTarget(root, args.target, "directory"), existed: false };
}

/** A tmpfs over a directory keeps the directory's mode, unless the options name one. */
function withMode({ type, data }: FilesystemMount, target: number): readonly string[] {
  if (type !== "tmpfs" || data.some((option) => option.startsWith("mode="))) return data;
  return [...data, `mode=${(statusOf(target).mode & 0o7777).toString(8)}`];
}

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
    slots.put(into, cloneTree(anchor, "", recursive ? "recursive" : "single"));
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
    const place = openTarget(slots.get("$root"), target, kind);
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

interface Remount {
  target: string;
  /** MOUNT_ATTR_* of the mount. */
  attributes: number;
  /** MS_* besides MS_REMOUNT: of the superblock, and MS_BIND for the mount alone. */
  flags: number;
  data: readonly string[];
  adjustments: readonly MountAttributes[];
}

/** mount(2) with MS_REMOUNT: the one change of a superblock that has no descriptor to itself. */
export const remount = defineOp<Remount>({
  name: "mount.remount",
  print: ({ target, data }) => `${target}${parenthesised(data.join(","))}`,
  run: ({ target, attributes, data, adjustments, ...args }, { slots }) => {
    const fd = openInRoot(slots.get("$root"), target, O_PATH);
    const flags = args.flags | flagsFrom(attributes);
    atOpened(fd, (path) => {
      mount({
        source: "",
        target: path,
        type: "",
        flags: flags | MS_REMOUNT,
        data: data.join(","),
      });
    });
    for (const adjustment of adjustments) setMountAttributes(fd, adjustment);
    closeFd(fd);
  },
});

function parenthesised(text: string): string {
  return text === "" ? "" : ` (${text})`;
}
