// Entries of directories: made and removed, and whose they are.

import { AT_EMPTY_PATH, AT_FDCWD } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { cstr } from "./memory.ts";
import { NR } from "./nr.ts";

export const AT_REMOVEDIR = 0x200;

/** mkdirat(2), returning 0 or the negative errno. */
export function tryMakeDirectoryAt(directory: number, name: string, mode: number): number {
  return syscall(NR.mkdirat, directory, cstr(name), mode);
}

/** symlinkat(2), returning 0 or the negative errno. */
export function trySymlinkAt(target: string, directory: number, name: string): number {
  return syscall(NR.symlinkat, cstr(target), directory, cstr(name));
}

/** mknodat(2), returning 0 or the negative errno. `device` is makedev(3)'s value. */
export function tryMakeNodeAt(
  directory: number,
  name: string,
  mode: number,
  device: number,
): number {
  return syscall(NR.mknodat, directory, cstr(name), mode, device);
}

/** unlinkat(2); `flags` AT_REMOVEDIR for a directory. Returns 0 or the negative errno. */
export function tryUnlinkAt(directory: number, name: string, flags = 0): number {
  return syscall(NR.unlinkat, directory, cstr(name), flags);
}

/**
 * fchownat(2) of the opened object itself (AT_EMPTY_PATH works on O_PATH descriptors); 0 or the
 * negative errno.
 */
export function tryChangeOwner(fd: number, uid: number, gid: number): number {
  return syscall(NR.fchownat, fd, cstr(""), uid, gid, AT_EMPTY_PATH);
}

/** fchmodat(2) below a directory; follows no link because the caller has just made `name`. */
export function changeModeAt(directory: number, name: string, mode: number): void {
  check(
    syscall(NR.fchmodat, directory, cstr(name), mode),
    () => `fchmodat(${at(directory)}"${name}", ${octal(mode)})`,
  );
}

/** fsetxattr(2) of a text; returns 0 or the negative errno. */
export function trySetAttribute(fd: number, name: string, value: string): number {
  return syscall(NR.fsetxattr, fd, cstr(name), cstr(value), Buffer.byteLength(value), 0);
}

/** makedev(3). */
export function deviceNumber(major: number, minor: number): number {
  return (
    (minor & 0xff) +
    (major & 0xfff) * 0x100 +
    (minor >>> 8) * 0x100000 +
    Math.floor(major / 0x1000) * 0x100000000000
  );
}

function at(directory: number): string {
  return directory === AT_FDCWD ? "" : `${directory}, `;
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}
