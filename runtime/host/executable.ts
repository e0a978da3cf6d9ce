// Our own program on a read-only mount below the default state root, for root: made once a boot,
// and from then on found by the launcher.

import { EINVAL } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { PROTECTED } from "../store/directory.ts";
import { makeDirectories } from "../sys/directory.ts";
import {
  AT_FDCWD,
  closeFd,
  lockExclusive,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  open,
} from "../sys/file.ts";
import {
  cloneTree,
  detach,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  moveMount,
  setMountAttributes,
} from "../sys/mount.ts";
import { statusAt } from "../sys/status.ts";

/**
 * Mounts a program's folder read-only, unless that has been done.
 * @param program absolute path
 * @returns the program's path on that mount
 * @throws SyscallError for who may not mount
 */
export function mountReadonly(program: string): string {
  const folder = program.slice(0, program.lastIndexOf("/"));
  const place = `${PROTECTED}${folder}`;
  makeDirectories(place, 0o700);
  const lock = open(PROTECTED, O_RDONLY | O_DIRECTORY);
  lockExclusive(lock);
  if (!isSameFolder(folder, place)) {
    detachStale(place);
    mountFolder(folder, place);
  }
  closeFd(lock);
  return `${PROTECTED}${program}`;
}

function mountFolder(folder: string, place: string): void {
  const tree = cloneTree(AT_FDCWD, folder, "single");
  const set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  setMountAttributes(tree, { set, clear: 0, propagation: MS_PRIVATE, recursive: false });
  const target = open(place, O_PATH | O_DIRECTORY);
  moveMount(tree, target);
  closeFd(target);
  closeFd(tree);
}

/** Whether the mount is there and shows the folder as it is now. */
function isSameFolder(folder: string, place: string): boolean {
  const [here, there] = [statusAt(AT_FDCWD, folder), statusAt(AT_FDCWD, place)];
  if (typeof here === "number" || typeof there === "number") return false;
  return here.inode === there.inode && here.deviceMinor === there.deviceMinor;
}

/** What is mounted there is a folder that has since been removed and made again. */
function detachStale(place: string): void {
  try {
    detach(place);
  } catch (error) {
    const isNoMount = error instanceof SyscallError && error.errno === EINVAL;
    if (!isNoMount) throw error;
  }
}
