// Directories: listed, made with those above, removed with what is in them. Our own because the
// engine's file module costs more to load than all else that a command does.

import { EEXIST, ENOENT } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { AT_REMOVEDIR, tryMakeDirectoryAt, tryUnlinkAt } from "./entry.ts";
import {
  AT_FDCWD,
  closeFd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  openInRoot,
  RESOLVE_NO_XDEV,
} from "./file.ts";
import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

const LISTING_BYTES = 32_768;

export interface Entry {
  name: string;
  isDirectory: boolean;
}

/** Entries of an open directory without "." and "..", in the kernel's order (getdents64(2)). */
export function entriesOf(directory: number): Entry[] {
  const DT_DIR = 4;
  const entries: Entry[] = [];
  for (;;) {
    const { address, bytes } = piece(LISTING_BYTES);
    const length = check(
      syscall(NR.getdents64, directory, address, LISTING_BYTES),
      () => `getdents64(${directory})`,
    );
    if (length === 0) return entries;
    for (let at = 0; at < length; at += bytes.readUInt16LE(at + 16)) {
      const end = bytes.indexOf(0, at + 19);
      const name = bytes.toString("utf8", at + 19, end);
      if (name !== "." && name !== "..")
        entries.push({ name, isDirectory: bytes[at + 18] === DT_DIR });
    }
  }
}

/** Entries of a directory by path. */
export function listDirectory(path: string): Entry[] {
  const fd = openAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  try {
    return entriesOf(fd);
  } finally {
    closeFd(fd);
  }
}

/** mkdir -p, by absolute path: makes what is missing with the given mode. */
export function makeDirectories(path: string, mode: number): void {
  const result = tryMakeDirectoryAt(AT_FDCWD, path, mode);
  if (result === 0 || result === -EEXIST) return;
  if (result !== -ENOENT || path === "") throw new SyscallError(`mkdir("${path}")`, -result);
  makeDirectories(path.slice(0, path.lastIndexOf("/")), mode);
  makeDirectories(path, mode);
}

/**
 * Removes a directory with everything in it, following no link; one that is gone is fine. What is
 * mounted in it is somebody's: it stays, and that is an error.
 */
export function removeTree(path: string): void {
  removeEntry(AT_FDCWD, path, true);
}

function removeEntry(parent: number, name: string, isDirectory: boolean): void {
  if (isDirectory) {
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    let fd: number;
    try {
      fd =
        parent === AT_FDCWD
          ? openAt(parent, name, flags)
          : openInRoot(parent, name, flags, RESOLVE_NO_XDEV);
    } catch (error) {
      if (error instanceof SyscallError && error.errno === ENOENT) return;
      throw error;
    }
    for (const entry of entriesOf(fd)) removeEntry(fd, entry.name, entry.isDirectory);
    closeFd(fd);
  }
  const result = tryUnlinkAt(parent, name, isDirectory ? AT_REMOVEDIR : 0);
  if (result < 0 && result !== -ENOENT) throw new SyscallError(`unlinkat("${name}")`, -result);
}

/** rename(2): `to` is replaced whole. */
export function rename(from: string, to: string): void {
  check(
    syscall(NR.renameat2, AT_FDCWD, cstr(from), AT_FDCWD, cstr(to), 0),
    () => `rename("${from}", "${to}")`,
  );
}
