// New filesystems: made from their options and mounted on an opened place, wherever that is.

import { EINVAL, ENODEV, ENOENT, ENOTBLK, EPERM } from "../errno.ts";
import { SyscallError, withHint } from "../errors.ts";
import { closeFd } from "../sys/file.ts";
import {
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_RDONLY,
  MS_SYNCHRONOUS,
} from "../sys/mount.ts";
import { mountByText } from "./mount-text.ts";
import { putMount } from "./put-mount.ts";

export interface NewFilesystem {
  type: string;
  /** Device or dummy, as mount(8) shows it. */
  source: string;
  /** Filesystem-specific options, `key` or `key=value`. */
  data: readonly string[];
  /** MOUNT_ATTR_* of the mount. */
  attributes: number;
  /** MS_* of the superblock: MS_RDONLY, MS_SYNCHRONOUS, MS_LAZYTIME and the like. */
  superblock: number;
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

/**
 * Makes a filesystem and mounts it on an opened place. fsmount(2) and move_mount(2), Linux 5.2.
 *
 * @param prepare is given the mount before anybody sees it
 * @returns the mount; undefined where mount(2) made it, which gives none
 */
export function mountNew(
  filesystem: NewFilesystem,
  target: number,
  prepare?: (mount: number) => void,
): number | undefined {
  try {
    if (prepare !== undefined || !needsText(filesystem)) {
      const mount = makeMount(filesystem);
      prepare?.(mount);
      putMount(mount, target);
      return mount;
    }
    mountByText(filesystem, target);
    return undefined;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw withHint(error, hintFor(filesystem, error.errno));
  }
}

/** Overlay's layers are one string; an i_version flag is known to mount(2) alone. */
function needsText({ type, source, data, superblock }: NewFilesystem): boolean {
  return (
    type === "overlay" ||
    (superblock & MS_I_VERSION) !== 0 ||
    [source, ...data].some((text) => Buffer.byteLength(text) > FSCONFIG_STRING_BYTES_MAX)
  );
}

/** Makes a filesystem and a mount of it that nobody sees. */
export function makeMount({ type, source, data, attributes, superblock }: NewFilesystem): number {
  const fs = fsopen(type);
  if (source !== "") fsconfigString(fs, "source", source);
  for (const [flag, key] of SUPERBLOCK_FLAGS) {
    if ((superblock & flag) !== 0) fsconfigFlag(fs, key);
  }
  for (const option of data) {
    const equals = option.indexOf("=");
    const [key, value] = [option.slice(0, equals), option.slice(equals + 1)];
    if (equals < 0) fsconfigFlag(fs, option);
    else fsconfigString(fs, key, LABEL_KEYS.includes(key) ? unquoted(value) : value);
  }
  fsconfigCreate(fs);
  const mount = fsmount(fs, attributes);
  closeFd(fs);
  return mount;
}

/** Labels have commas: mount(2) wants quotes around them, and takes them off. */
const LABEL_KEYS: readonly string[] = ["context", "fscontext", "defcontext", "rootcontext"];

function unquoted(value: string): string {
  return /^"[^"]*"$/.test(value) ? value.slice(1, -1) : value;
}

/** What the kernel's refusal means, where it says too little. */
function hintFor({ type, data }: NewFilesystem, errno: number): string | undefined {
  if (errno === ENODEV)
    return `this kernel has no filesystem of type "${type}", see /proc/filesystems`;
  if (errno === ENOTBLK) return 'a file is mounted by the option "loop"';
  if (type === "overlay" && errno === ENOENT) return "a lowerdir, upperdir or workdir is missing";
  if (type === "overlay" && errno === EINVAL && data.includes("volatile"))
    return 'with "volatile" an upperdir and workdir can be mounted once: make them anew';
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
