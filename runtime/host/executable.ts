// Our own program, out of the container's reach (CVE-2019-5736): what a container can open of it
// through /proc/PID/exe lies on a read-only mount. Root makes that mount once a boot; the launcher
// starts the program from it.

import { RuntimeError, SyscallError } from "../errors.ts";
import { PROTECTED } from "../store/directory.ts";
import { makeDirectories } from "../sys/directory.ts";
import { loadFilterAndExec } from "../sys/exec.ts";
import {
  AT_FDCWD,
  closeFd,
  isOnReadonlyMount,
  lockExclusive,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  open,
  statusAt,
} from "../sys/file.ts";
import { mapShared } from "../sys/libc.ts";
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

/**
 * Returns if the program runs from a read-only mount. If not, makes the mount and executes the
 * program again from there, with the same arguments and environment.
 * @throws RuntimeError where no mount can be made
 */
export function requireProtectedExecutable(
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const fd = open("/proc/self/exe", O_PATH);
  const isProtected = isOnReadonlyMount(fd);
  closeFd(fd);
  if (isProtected) return;
  const folder = process.execPath.slice(0, process.execPath.lastIndexOf("/"));
  mountReadonly(folder, `${PROTECTED}${folder}`);
  const path = `${PROTECTED}${process.execPath}`;
  loadFilterAndExec({
    image: {
      path,
      argv: [path, ...process.argv.slice(2)],
      env: Object.entries(environment).map(([name, value]) => `${name}=${value ?? ""}`),
    },
    resultAddress: mapShared(8),
  });
}

function mountReadonly(folder: string, place: string): void {
  try {
    makeDirectories(place, 0o700);
    const lock = open(PROTECTED, O_RDONLY | O_DIRECTORY);
    lockExclusive(lock);
    if (!isSameFolder(folder, place)) {
      detachStale(place);
      mountFolder(folder, place);
    }
    closeFd(lock);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new RuntimeError(
      `cannot keep the program out of the container's reach: ${error.message} (hint: root makes a read-only mount below ${PROTECTED})`,
    );
  }
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
  const EINVAL = 22;
  try {
    detach(place);
  } catch (error) {
    const isNoMount = error instanceof SyscallError && error.errno === EINVAL;
    if (!isNoMount) throw error;
  }
}
