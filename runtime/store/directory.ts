// The state root and a container's folder in it: made, locked, removed. Making the folder is what
// takes an id: of many who try, the kernel lets one succeed.

import { EEXIST, ENOENT } from "../errno.ts";
import { MissingError, StateError, SyscallError } from "../errors.ts";
import { listDirectory, makeDirectories, removeTree } from "../sys/directory.ts";
import { AT_REMOVEDIR, tryMakeDirectoryAt, tryUnlinkAt } from "../sys/entry.ts";
import {
  AT_FDCWD,
  closeFd,
  lockExclusive,
  O_DIRECTORY,
  open,
  tryLockExclusive,
} from "../sys/file.ts";
import { statusAt, statusOf } from "../sys/status.ts";

/** Where the program is mounted read-only; in the default state root, where it is no container. */
export const PROTECTED = "/run/runt/exe";

/** The state root of one container. */
export interface Place {
  /** Absolute path of the state root. */
  root: string;
  id: string;
}

/** Absolute path of a container's folder. */
export function directoryOf({ root, id }: Place): string {
  return `${root}/${id}`;
}

/**
 * Takes an id by making its folder, and the state root if it is not there; mode 0711 as runc's.
 * Returns the lock on it, for until the record is written: a folder without one is no container.
 */
export function takeDirectory(place: Place): number {
  // Sticky: what cleans $XDG_RUNTIME_DIR leaves such a folder alone (XDG Base Directory).
  makeDirectories(place.root, 0o1700);
  const result = tryMakeDirectoryAt(AT_FDCWD, directoryOf(place), 0o711);
  if (result === -EEXIST) {
    const { root, id } = place;
    throw new StateError(
      `container with given ID already exists: ${id} (hint: it is in ${root}; take another id, or "runt delete ${id}" first)`,
    );
  }
  if (result < 0) throw new SyscallError(`mkdir("${directoryOf(place)}")`, -result);
  try {
    return lockDirectory(place);
  } catch (error) {
    tryUnlinkAt(AT_FDCWD, directoryOf(place), AT_REMOVEDIR);
    throw error;
  }
}

/** Whether the container's folder is there. */
export function directoryExists(place: Place): boolean {
  return typeof statusAt(AT_FDCWD, directoryOf(place)) !== "number";
}

/** Opens a container's folder. @throws StateError when there is no such container */
export function openDirectory(place: Place): number {
  try {
    return open(directoryOf(place), O_DIRECTORY);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) throw missing(place);
    throw error;
  }
}

/**
 * Locks a container's folder against others who change it. The descriptor holds the lock.
 * @throws StateError when there is no such container, or it went away meanwhile
 */
export function lockDirectory(place: Place): number {
  const fd = openDirectory(place);
  lockExclusive(fd);
  if (statusOf(fd).links === 0) throw missing(place);
  return fd;
}

/** As {@link lockDirectory}, without waiting: undefined where somebody has the lock. */
export function tryLockDirectory(place: Place): number | undefined {
  const fd = openDirectory(place);
  if (tryLockExclusive(fd) && statusOf(fd).links > 0) return fd;
  closeFd(fd);
  return undefined;
}

/** Removes a container's folder with everything in it; one that is gone is fine. */
export function removeDirectory(place: Place): void {
  removeTree(directoryOf(place));
}

/** Whether a state root is there, for the caller to reach. */
export function rootExists(root: string): boolean {
  return typeof statusAt(AT_FDCWD, root) !== "number";
}

/** Ids below a state root, sorted; none when it is not there. */
export function idsBelow(root: string): string[] {
  try {
    return listDirectory(root)
      .filter((entry) => entry.isDirectory && `${root}/${entry.name}` !== PROTECTED)
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return [];
    throw error;
  }
}

/** What containerd matches on when it asks for a container that is not there. */
export function missing({ root, id }: Place): MissingError {
  return new MissingError(
    `container "${id}" does not exist (hint: not in ${root}; --root names another folder)`,
  );
}
