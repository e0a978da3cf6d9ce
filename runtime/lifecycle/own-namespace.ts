// Namespaces by their files (namespaces(7)).

import type { NamespaceType } from "../config/types.gen.ts";
import { ENOENT } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { AT_FDCWD } from "../sys/file.ts";
import { statusAt } from "../sys/status.ts";

/** Names below /proc/PID/ns (namespaces(7)). */
const NAMESPACE_FILES: Readonly<Record<NamespaceType, string>> = {
  mount: "mnt",
  network: "net",
  cgroup: "cgroup",
  ipc: "ipc",
  pid: "pid",
  time: "time",
  user: "user",
  uts: "uts",
};

/** The order in which joining them would have to go one by one, the user namespace first. */
const TYPES = ["user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"] as const;

/** Whether a path leads to the namespace of that type that this process is in; not if to none. */
export function isOwnNamespace(type: NamespaceType, path: string): boolean {
  const theirs = statusAt(AT_FDCWD, path, 0);
  const ours = statusAt(AT_FDCWD, `/proc/self/ns/${NAMESPACE_FILES[type]}`, 0);
  if (typeof theirs === "number" || typeof ours === "number") return false;
  return theirs.inode === ours.inode && theirs.deviceMinor === ours.deviceMinor;
}

/** Types of the namespaces of a process that are not this one's; what the kernel lacks is no type. */
export function otherNamespaces(pid: number): NamespaceType[] {
  return TYPES.filter((type) => {
    const theirs = statusAt(AT_FDCWD, `/proc/${pid}/ns/${NAMESPACE_FILES[type]}`, 0);
    if (theirs === -ENOENT) return false;
    if (typeof theirs === "number") {
      throw new SyscallError(`statx("/proc/${pid}/ns/${NAMESPACE_FILES[type]}")`, -theirs);
    }
    return ownInode(type) !== theirs.inode;
  });
}

const own = new Map<NamespaceType, bigint | undefined>();

/** Asked once: who is in none but its own does not change them while it looks at others. */
function ownInode(type: NamespaceType): bigint | undefined {
  if (!own.has(type)) {
    const ours = statusAt(AT_FDCWD, `/proc/self/ns/${NAMESPACE_FILES[type]}`, 0);
    own.set(type, typeof ours === "number" ? undefined : ours.inode);
  }
  return own.get(type);
}
