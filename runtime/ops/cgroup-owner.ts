// The container's cgroup of v2 given to its user, so that the container can make cgroups below it.

import { ENOENT } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { tryChangeOwner } from "../sys/entry.ts";
import { closeFd, O_NOFOLLOW, O_PATH, open, readFile } from "../sys/file.ts";
import { defineOp } from "./op.ts";

/** The kernel's list of what may be given away, since 4.15 (cgroups(7), "Cgroup delegation"). */
const LIST = "/sys/kernel/cgroup/delegate";
const USUAL = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];
/** -1 leaves the group as it is. */
const SAME = -1;

/** chown(2) of the directory and of the files in the list; those that it lacks are passed over. */
export const ownCgroup = defineOp<{ directory: string; uid: number }>({
  name: "cgroup.own",
  print: ({ directory, uid }) => `${directory} → user ${uid}`,
  run({ directory, uid }) {
    const files = delegated().map((file) => `${directory}/${file}`);
    for (const path of [directory, ...files]) changeOwner(path, uid);
  },
});

function delegated(): readonly string[] {
  try {
    return readFile(LIST).split("\n").filter(Boolean);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return USUAL;
    throw error;
  }
}

function changeOwner(path: string, uid: number): void {
  let fd: number;
  try {
    fd = open(path, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return;
    throw error;
  }
  const result = tryChangeOwner(fd, uid, SAME);
  closeFd(fd);
  if (result < 0) throw new SyscallError(`fchownat("${path}", ${uid})`, -result);
}
