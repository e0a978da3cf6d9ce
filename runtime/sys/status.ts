// What the kernel says of files: statx(2), access, and the file systems and mounts that they are on.

import { SyscallError } from "../errors.ts";
import { AT_EMPTY_PATH, AT_FDCWD } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

const AT_SYMLINK_NOFOLLOW = 0x100;

export const S_IFMT = 0o170000;
export const S_IFIFO = 0o010000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;

export interface FileStatus {
  /** Type and permissions, as st_mode. */
  mode: number;
  uid: number;
  gid: number;
  inode: bigint;
  size: number;
  links: number;
  /** Device number of a device node. */
  rdevMajor: number;
  rdevMinor: number;
  /** File system that holds the inode. */
  deviceMajor: number;
  deviceMinor: number;
  /** The mount that it was reached by, as in mountinfo. Linux 5.8. */
  mountId: number;
}

/** statx(2) of an open descriptor, O_PATH ones included. */
export function statusOf(fd: number): FileStatus {
  const status = statusAt(fd, "", AT_EMPTY_PATH);
  if (typeof status === "number") check(status, () => `statx(${fd}, "", AT_EMPTY_PATH)`);
  return status as FileStatus;
}

/** statx(2) of a name below a directory, not following a last link; the negative errno if it fails. */
export function statusAt(
  directory: number,
  name: string,
  flags = AT_SYMLINK_NOFOLLOW,
): FileStatus | number {
  const STATX_BASIC_STATS = 0x7ff;
  const STATX_MNT_ID = 0x1000;
  const { address, bytes } = piece(256);
  const result = syscall(
    NR.statx,
    directory,
    cstr(name),
    flags,
    STATX_BASIC_STATS | STATX_MNT_ID,
    address,
  );
  if (result < 0) return result;
  return {
    links: bytes.readUInt32LE(16),
    uid: bytes.readUInt32LE(20),
    gid: bytes.readUInt32LE(24),
    mode: bytes.readUInt16LE(28),
    inode: bytes.readBigUInt64LE(32),
    size: Number(bytes.readBigUInt64LE(40)),
    rdevMajor: bytes.readUInt32LE(128),
    rdevMinor: bytes.readUInt32LE(132),
    deviceMajor: bytes.readUInt32LE(136),
    deviceMinor: bytes.readUInt32LE(140),
    mountId: bytes.readUInt32LE(144),
  };
}

/** Number of links to what a path means, following links (st_nlink). */
export function linksOf(path: string): number {
  const status = statusAt(AT_FDCWD, path, 0);
  if (typeof status === "number") throw new SyscallError(`statx("${path}")`, -status);
  return status.links;
}

/** faccessat2(2) of an opened object with the effective ids; returns 0 or the negative errno. 5.8. */
export function tryAccess(fd: number, mode: number): number {
  const AT_EACCESS = 0x200;
  return syscall(NR.faccessat2, fd, cstr(""), mode, AT_EMPTY_PATH | AT_EACCESS);
}

/** statfs(2)'s f_type of an open descriptor. */
export function filesystemMagic(fd: number): number {
  const { address, bytes } = piece(120);
  check(syscall(NR.fstatfs, fd, address), () => `fstatfs(${fd})`);
  return bytes.readUInt32LE(0);
}

/** Flags of the mount that an opened object is on: ST_*, of fstatfs(2)'s f_flags. */
export function mountFlagsOf(fd: number): number {
  const { address, bytes } = piece(120);
  check(syscall(NR.fstatfs, fd, address), () => `fstatfs(${fd})`);
  return bytes.readUInt32LE(80);
}

/** Whether the mount that an opened object is on is read-only. */
export function isOnReadonlyMount(fd: number): boolean {
  const ST_RDONLY = 1;
  return (mountFlagsOf(fd) & ST_RDONLY) !== 0;
}
