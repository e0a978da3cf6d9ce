// Which security modules confine programs on this machine.

import { AT_FDCWD, closeFd, O_PATH, open, readFile } from "../sys/file.ts";
import { filesystemMagic, statusAt } from "../sys/status.ts";

/** Whether AppArmor is on: it may be built in and not be. */
export function isApparmorEnabled(): boolean {
  const parameter = "/sys/module/apparmor/parameters/enabled";
  return exists(parameter) && readFile(parameter).startsWith("Y");
}

/** Whether SELinux is on: its filesystem can be mounted only then. */
export function isSelinuxEnabled(): boolean {
  const SELINUX_MAGIC = 0xf97cff8c;
  const mount = "/sys/fs/selinux";
  if (!exists(mount)) return false;
  const fd = open(mount, O_PATH);
  try {
    return filesystemMagic(fd) === SELINUX_MAGIC;
  } finally {
    closeFd(fd);
  }
}

function exists(path: string): boolean {
  return typeof statusAt(AT_FDCWD, path, 0) !== "number";
}
