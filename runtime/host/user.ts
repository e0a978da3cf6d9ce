// What the machine says of the calling user.

import { AT_FDCWD, readLinkAt } from "../sys/file.ts";
import { S_IFDIR, S_IFMT, statusAt } from "../sys/status.ts";

/** Inode of the initial user namespace: PROC_USER_INIT_INO of linux/proc_ns.h. */
const INITIAL_USER_NAMESPACE = "user:[4026531837]";

/** Whether the caller is in a user namespace other than the initial one. */
export function inUserNamespace(): boolean {
  return readLinkAt(AT_FDCWD, "/proc/self/ns/user") !== INITIAL_USER_NAMESPACE;
}

/** Whether a path is a directory of the caller's. */
export function ownsDirectory(path: string): boolean {
  const status = statusAt(AT_FDCWD, path);
  if (typeof status === "number") return false;
  return (status.mode & S_IFMT) === S_IFDIR && status.uid === process.geteuid?.();
}
