// The mount API of Linux 5.2 and later, on descriptors, and what little of mount(2) is still needed.

import { AT_FDCWD } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_SYNCHRONOUS = 16;
export const MS_REMOUNT = 32;
export const MS_MANDLOCK = 64;
export const MS_DIRSYNC = 128;
export const MS_NOSYMFOLLOW = 256;
export const MS_NOATIME = 1024;
export const MS_NODIRATIME = 2048;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_SILENT = 32768;
export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
export const MS_RELATIME = 1 << 21;
export const MS_I_VERSION = 1 << 23;
export const MS_STRICTATIME = 1 << 24;
export const MS_LAZYTIME = 1 << 25;

export const MOUNT_ATTR_RDONLY = 0x1;
export const MOUNT_ATTR_NOSUID = 0x2;
export const MOUNT_ATTR_NODEV = 0x4;
export const MOUNT_ATTR_NOEXEC = 0x8;
export const MOUNT_ATTR__ATIME = 0x70;
export const MOUNT_ATTR_NOATIME = 0x10;
export const MOUNT_ATTR_STRICTATIME = 0x20;
export const MOUNT_ATTR_NODIRATIME = 0x80;
export const MOUNT_ATTR_NOSYMFOLLOW = 0x200000;
const MOUNT_ATTR_IDMAP = 0x100000;

const AT_RECURSIVE = 0x8000;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

/** fsopen(2): a context for a new filesystem. Linux 5.2. */
export function fsopen(type: string): number {
  return check(syscall(NR.fsopen, cstr(type), FSOPEN_CLOEXEC), () => `fsopen("${type}")`);
}

/** fsconfig(2), FSCONFIG_SET_STRING. Key and value end at 255 bytes; the caller sees to that. */
export function fsconfigString(context: number, key: string, value: string): void {
  check(
    syscall(NR.fsconfig, context, FSCONFIG_SET_STRING, cstr(key), cstr(value), 0),
    () => `fsconfig(FSCONFIG_SET_STRING, "${key}", "${value}")${contextMessage(context)}`,
  );
}

/** fsconfig(2), FSCONFIG_SET_FLAG. */
export function fsconfigFlag(context: number, key: string): void {
  check(
    syscall(NR.fsconfig, context, FSCONFIG_SET_FLAG, cstr(key), 0, 0),
    () => `fsconfig(FSCONFIG_SET_FLAG, "${key}")${contextMessage(context)}`,
  );
}

/** fsconfig(2), FSCONFIG_CMD_CREATE: makes the superblock. */
export function fsconfigCreate(context: number): void {
  check(
    syscall(NR.fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0),
    () => `fsconfig(FSCONFIG_CMD_CREATE)${contextMessage(context)}`,
  );
}

/** fsmount(2): a detached mount of the context's filesystem with MOUNT_ATTR_* attributes. */
export function fsmount(context: number, attributes: number): number {
  return check(
    syscall(NR.fsmount, context, FSMOUNT_CLOEXEC, attributes),
    () => `fsmount(0x${attributes.toString(16)})${contextMessage(context)}`,
  );
}

/** What the kernel says of a failed fsconfig(2): the context's log, read from its descriptor. */
function contextMessage(context: number): string {
  const { address, bytes } = piece(512);
  const length = syscall(NR.read, context, address, 512);
  return length > 0 ? ` [${bytes.toString("utf8", 0, length).trim()}]` : "";
}

/** open_tree(2) with OPEN_TREE_CLONE: a detached copy of a mount, with its submounts if recursive. */
export function cloneTree(directory: number, path: string, depth: "recursive" | "single"): number {
  return check(
    tryCloneTree(directory, path, depth),
    () => `open_tree(${directory === AT_FDCWD ? "" : `${directory}, `}"${path}", OPEN_TREE_CLONE)`,
  );
}

/** As {@link cloneTree}, returning the negative errno. */
export function tryCloneTree(
  directory: number,
  path: string,
  depth: "recursive" | "single",
): number {
  const flags =
    OPEN_TREE_CLONE |
    OPEN_TREE_CLOEXEC |
    (path === "" ? AT_EMPTY_PATH : 0) |
    (depth === "recursive" ? AT_RECURSIVE : 0);
  return syscall(NR.open_tree, directory, cstr(path), flags);
}

/** move_mount(2) of a detached mount onto an opened target. Linux 5.2. */
export function moveMount(mount: number, target: number): void {
  check(
    syscall(
      NR.move_mount,
      mount,
      cstr(""),
      target,
      cstr(""),
      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
    ),
    () => `move_mount(${mount}, ${target})`,
  );
}

export interface MountAttributes {
  /** MOUNT_ATTR_* to set. */
  set: number;
  /** MOUNT_ATTR_* to clear; MOUNT_ATTR__ATIME whenever an access time is set. */
  clear: number;
  /** One of MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, or 0 to leave it. */
  propagation: number;
  recursive: boolean;
}

/** mount_setattr(2) on an opened mount. Linux 5.12. */
export function setMountAttributes(mount: number, attributes: MountAttributes): void {
  const { address, bytes } = piece(32);
  bytes.writeUInt32LE(attributes.set, 0);
  bytes.writeUInt32LE(attributes.clear, 8);
  bytes.writeUInt32LE(attributes.propagation, 16);
  const flags = AT_EMPTY_PATH | (attributes.recursive ? AT_RECURSIVE : 0);
  check(
    syscall(NR.mount_setattr, mount, cstr(""), flags, address, 32),
    () =>
      `mount_setattr(${mount}, set 0x${attributes.set.toString(16)}, clear 0x${attributes.clear.toString(16)}, propagation 0x${attributes.propagation.toString(16)})`,
  );
}

/**
 * mount_setattr(2) with MOUNT_ATTR_IDMAP: the ids of a detached mount, by the mapping of a user
 * namespace. Linux 5.12, and a filesystem that can.
 */
export function setMountIdMap(
  mount: number,
  userNamespace: number,
  depth: "recursive" | "single",
): void {
  const { address, bytes } = piece(32);
  bytes.writeUInt32LE(MOUNT_ATTR_IDMAP, 0);
  bytes.writeUInt32LE(userNamespace, 24);
  const flags = AT_EMPTY_PATH | (depth === "recursive" ? AT_RECURSIVE : 0);
  check(
    syscall(NR.mount_setattr, mount, cstr(""), flags, address, 32),
    () => `mount_setattr(${mount}, MOUNT_ATTR_IDMAP)`,
  );
}

/** mount(2), for what the descriptors cannot say: long data, remounts, propagation of "/". */
export function mount(request: {
  source: string;
  target: string;
  type: string;
  flags: number;
  data: string;
}): void {
  check(
    syscall(
      NR.mount,
      cstr(request.source),
      cstr(request.target),
      cstr(request.type),
      request.flags,
      request.data === "" ? 0 : cstr(request.data),
    ),
    () =>
      `mount("${request.source}", "${request.target}", "${request.type}", 0x${request.flags.toString(16)}, "${request.data}")`,
  );
}

/** umount2(2) with MNT_DETACH. */
export function detach(path: string): void {
  check(syscall(NR.umount2, cstr(path), MNT_DETACH), () => `umount2("${path}", MNT_DETACH)`);
}

/** umount2(2) of a name in the working directory that is no link; 0 or the negative errno. */
export function tryUnmountHere(name: string, flags = 0): number {
  return syscall(NR.umount2, cstr(name), flags | UMOUNT_NOFOLLOW);
}

/**
 * pivot_root(".", "."): the working directory becomes the root, the old one is stacked on it.
 * Returns 0 or the negative errno.
 */
export function tryPivotRootHere(): number {
  return syscall(NR.pivot_root, cstr("."), cstr("."));
}
