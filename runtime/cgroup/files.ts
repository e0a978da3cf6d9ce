// Single reads and writes of control files and cgroup directories, by absolute path on the host.

import { SyscallError } from "../errors.ts";
import { AT_FDCWD, closeFd, O_NOFOLLOW, O_WRONLY, open, tryWriteOnce } from "../sys/file.ts";
import { statusAt } from "../sys/status.ts";

/** Whether something is there, a link included. */
export function exists(path: string): boolean {
  return typeof statusAt(AT_FDCWD, path) !== "number";
}

/**
 * One write(2) of the whole value, as control files want it (cgroups(7)). The file must exist.
 * @throws SyscallError of the open or of the write.
 */
export function writeControl(path: string, value: string): void {
  const fd = open(path, O_WRONLY | O_NOFOLLOW);
  const result = tryWriteOnce(fd, value);
  closeFd(fd);
  if (result < 0) throw new SyscallError(`write("${path}", "${value}")`, -result);
}
