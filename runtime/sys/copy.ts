// What belongs to a file besides its name: contents, times, extended attributes; each copied from one
// opened file to another.

import { ENODATA, ENXIO, EOPNOTSUPP, EPERM } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { check, mapPrivate, memoryAt, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

const AT_SYMLINK_NOFOLLOW = 0x100;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h. */
const XATTR_BYTES_MAX = 65_536;

/** Contents of a regular file into an empty one; holes stay holes (lseek(2), sendfile(2)). */
export function copyContents(from: number, to: number, size: number): void {
  const SEEK_SET = 0;
  const SEEK_DATA = 3;
  const SEEK_HOLE = 4;
  for (let at = 0; at < size; ) {
    const start = syscall(NR.lseek, from, at, SEEK_DATA);
    if (start === -ENXIO) break;
    check(start, () => `lseek(${from}, ${at}, SEEK_DATA)`);
    const end = check(syscall(NR.lseek, from, start, SEEK_HOLE), () => "lseek(SEEK_HOLE)");
    check(syscall(NR.lseek, from, start, SEEK_SET), () => "lseek(SEEK_SET)");
    check(syscall(NR.lseek, to, start, SEEK_SET), () => "lseek(SEEK_SET)");
    at = start;
    while (at < end) {
      const sent = check(syscall(NR.sendfile, to, from, 0, end - at), () => "sendfile()");
      // The file has become shorter meanwhile.
      if (sent === 0) return;
      at += sent;
    }
  }
  check(syscall(NR.ftruncate, to, size), () => `ftruncate(${to}, ${size})`);
}

/** Times of a name below one directory, given to a name below another (utimensat(2)); no link is followed. */
export function copyTimes(
  from: { directory: number; name: string },
  to: { directory: number; name: string },
): void {
  const STATX_TIMES = 0x20 | 0x40;
  const status = piece(256);
  check(
    syscall(
      NR.statx,
      from.directory,
      cstr(from.name),
      AT_SYMLINK_NOFOLLOW,
      STATX_TIMES,
      status.address,
    ),
    () => `statx(${from.directory}, "${from.name}")`,
  );
  const times = piece(32);
  // statx_timestamp: 8 bytes of seconds, 4 of nanoseconds; access at 64, modification at 112.
  for (const [offset, at] of [
    [64, 0],
    [112, 16],
  ] as const) {
    status.bytes.copy(times.bytes, at, offset, offset + 8);
    times.bytes.writeBigUInt64LE(BigInt(status.bytes.readUInt32LE(offset + 8)), at + 8);
  }
  check(
    syscall(NR.utimensat, to.directory, cstr(to.name), times.address, AT_SYMLINK_NOFOLLOW),
    () => `utimensat(${to.directory}, "${to.name}")`,
  );
}

/**
 * Extended attributes of an opened file or directory (xattr(7)).
 *
 * @returns names of those that the other filesystem does not take, or the caller may not set
 */
export function copyAttributes(from: number, to: number): string[] {
  const space = xattrSpace();
  const length = syscall(NR.flistxattr, from, space, XATTR_BYTES_MAX);
  if (length === -EOPNOTSUPP || length === 0) return [];
  check(length, () => `flistxattr(${from})`);
  const names = memoryAt(space, length).toString().split("\0").slice(0, -1);
  return names.filter((name) => {
    const size = syscall(NR.fgetxattr, from, cstr(name), space, XATTR_BYTES_MAX);
    if (size === -ENODATA) return false;
    const result = size < 0 ? size : syscall(NR.fsetxattr, to, cstr(name), space, size, 0);
    if (result < 0 && ![-EPERM, -EOPNOTSUPP].includes(result)) {
      throw new SyscallError(`fsetxattr("${name}")`, -result);
    }
    return result < 0;
  });
}

let space: number | undefined;

/** Too much for {@link piece}, made once for all files. */
function xattrSpace(): number {
  space ??= mapPrivate(XATTR_BYTES_MAX);
  return space;
}

/** linkat(2) below directories, following no link; returns 0 or the negative errno. */
export function tryLinkAt(
  from: { directory: number; name: string },
  to: { directory: number; name: string },
): number {
  return syscall(NR.linkat, from.directory, cstr(from.name), to.directory, cstr(to.name), 0);
}

/** fchmod(2). */
export function changeMode(fd: number, mode: number): void {
  check(syscall(NR.fchmod, fd, mode), () => `fchmod(${fd}, 0${mode.toString(8)})`);
}
