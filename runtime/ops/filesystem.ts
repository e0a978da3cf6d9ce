// New filesystems: made from their options, and placed onto an opened directory below the root.

import { EINVAL, ENODEV, EPERM } from "../errno.ts";
import { SyscallError, withHint } from "../errors.ts";
import { closeFd, O_PATH, openInRoot, RESOLVE_NO_SYMLINKS } from "../sys/file.ts";
import {
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  MOUNT_ATTR__ATIME,
  type MountAttributes,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_RDONLY,
  MS_SYNCHRONOUS,
  setMountAttributes,
} from "../sys/mount.ts";
import { statusOf } from "../sys/status.ts";
import { type MountIdMap, mapMount } from "./mount-id-map.ts";
import { mountByText } from "./mount-text.ts";
import { defineOp, type OpContext } from "./op.ts";
import { openExisting, openTarget } from "./path.ts";
import { guardProc } from "./proc-guard.ts";
import { mounting, putMount } from "./put-mount.ts";
import { guardRoot } from "./root-guard.ts";

export interface FilesystemMount {
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
  /** Whether it begins with what the directory holds that it covers. */
  copyUp: boolean;
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
  print: ({ type, target, data, copyUp }) => {
    const options = data.length === 0 ? "" : ` (${data.join(",")})`;
    return `${type} on ${target}${options}${copyUp ? " with a copy of what is there" : ""}`;
  },
  run: (args, context) => {
    mounting({ what: args.type, target: args.target }, () => {
      const root = context.slots.get("$root");
      const { target, existed } = openMountPoint(root, args);
      guardRoot({ root, target, path: args.target });
      guardProc({ target, path: args.target, isProc: args.type === "proc" });
      const whole = { ...args, data: existed ? withMode(args, target) : args.data };
      const made = make(whole, { root, target, context });
      for (const adjustment of args.adjustments) setMountAttributes(made, adjustment);
      closeFd(made);
      closeFd(target);
    });
  },
});

interface Place {
  root: number;
  target: number;
  context: OpContext;
}

function make(args: FilesystemMount, { root, target, context }: Place): number {
  try {
    if (!needsText(args)) return mountByContext(args, target, context);
    mountByText(args, target);
  } catch (error) {
    throw error instanceof SyscallError ? withHint(error, hintFor(args.type, error.errno)) : error;
  }
  return openInRoot(root, args.target, O_PATH);
}

/**
 * Overlay's layers are one string; an i_version flag is known to mount(2) alone. What has to be done
 * before a mount is in place, the other calls can do alone.
 */
function needsText(args: FilesystemMount): boolean {
  if (args.idMap !== null || args.copyUp) return false;
  return (
    args.type === "overlay" ||
    (args.superblock & MS_I_VERSION) !== 0 ||
    [args.source, ...args.data].some((text) => Buffer.byteLength(text) > FSCONFIG_STRING_BYTES_MAX)
  );
}

function mountByContext(args: FilesystemMount, target: number, context: OpContext): number {
  const fs = fsopen(args.type);
  if (args.source !== "") fsconfigString(fs, "source", args.source);
  for (const [flag, key] of SUPERBLOCK_FLAGS) {
    if ((args.superblock & flag) !== 0) fsconfigFlag(fs, key);
  }
  for (const option of args.data) {
    const equals = option.indexOf("=");
    const [key, value] = [option.slice(0, equals), option.slice(equals + 1)];
    if (equals < 0) fsconfigFlag(fs, option);
    else fsconfigString(fs, key, LABEL_KEYS.includes(key) ? unquoted(value) : value);
  }
  fsconfigCreate(fs);
  const made = fsmount(fs, args.copyUp ? 0 : args.attributes);
  closeFd(fs);
  if (args.copyUp) fill(made, args, { target, context });
  if (args.idMap !== null) {
    mapMount(made, { ...args.idMap, path: args.target, slots: context.slots });
  }
  putMount(made, target);
  return made;
}

/** Labels have commas: mount(2) wants quotes around them, and takes them off. */
const LABEL_KEYS: readonly string[] = ["context", "fscontext", "defcontext", "rootcontext"];

function unquoted(value: string): string {
  return /^"[^"]*"$/.test(value) ? value.slice(1, -1) : value;
}

/** Copies what is to be covered, while nobody sees the mount; its attributes come afterwards. */
function fill(made: number, args: FilesystemMount, place: Omit<Place, "root">): void {
  const { copyTree }: typeof import("./copy-tree.ts") = require("./copy-tree.ts");
  const { target, data, attributes: set } = args;
  const left = copyTree(place.target, made, {
    owner: !data.some((option) => /^[ug]id=/.test(option)),
  });
  if (left.length > 0) {
    const more = left.length > 3 ? ` and ${left.length - 3} more` : "";
    place.context.warn(`not copied to ${target}: ${left.slice(0, 3).join(", ")}${more}`);
  }
  setMountAttributes(made, {
    set,
    clear: MOUNT_ATTR__ATIME,
    propagation: 0,
    recursive: false,
  });
}

/** What the kernel's refusal means, where it says too little. */
function hintFor(type: string, errno: number): string | undefined {
  if (errno === ENODEV)
    return `this kernel has no filesystem of type "${type}", see /proc/filesystems`;
  if (type === "overlay" && errno === EINVAL)
    return "upperdir and workdir have to be on one filesystem, and that no overlay itself, as a container's own root often is: put them on a volume or a tmpfs; the kernel's log tells more";
  if (errno !== EPERM) return undefined;
  const namespace = NAMESPACE_OF[type];
  if (namespace === undefined) {
    return `only root of the host may mount a filesystem of type "${type}", outside of user namespaces`;
  }
  const more =
    type === "proc" || type === "sysfs"
      ? `, and a caller's /${type === "proc" ? "proc" : "sys"} with nothing mounted over it`
      : "";
  return `in a user namespace a new ${type} needs a namespace of the container's own of type ${namespace}${more}; bind-mount the host's instead`;
}

/** Filesystems that show a namespace: only its owner may mount them. */
const NAMESPACE_OF: Readonly<Record<string, string>> = {
  proc: "pid",
  sysfs: "network",
  mqueue: "ipc",
  cgroup: "cgroup",
  cgroup2: "cgroup",
};

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
