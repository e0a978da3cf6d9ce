// A read-only view of a file, for who may not mount: a child in a user namespace of its own makes
// the mount and passes it on.

import { RuntimeError, SyscallError } from "../errors.ts";
import { AT_FDCWD, closeFd } from "../sys/file.ts";
import {
  cloneTree,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  setMountAttributes,
} from "../sys/mount.ts";
import { CLONE_NEWNS, CLONE_NEWUSER, clone, exitNow, waitFor } from "../sys/process.ts";
import { receiveByte, sendByte, socketPair } from "../sys/socket.ts";
import { requireOneThread } from "./one-thread.ts";

/**
 * A descriptor of a file on a detached read-only mount of it alone. The mount is in no namespace
 * once the descriptor is closed, so that nobody can change it, and lasts as long as it is used.
 * @param path absolute
 * @throws SyscallError where user namespaces are forbidden, or the file cannot be mounted
 */
export function readonlyView(path: string): number {
  requireOneThread();
  const [ours, theirs] = socketPair();
  const { pid, pidfd } = clone(CLONE_NEWUSER | CLONE_NEWNS);
  if (pid === 0) passView(path, theirs);
  closeFd(theirs);
  const received = receiveByte(ours);
  closeFd(ours);
  waitFor(pidfd);
  closeFd(pidfd);
  if (received?.fd !== undefined) return received.fd;
  if (received === undefined) throw new RuntimeError(`the mount of ${path} came to nothing`);
  throw new SyscallError(`a read-only mount of ${path}`, received.byte);
}

/** In the child: the mount, or the number of the error. */
function passView(path: string, socket: number): never {
  try {
    const tree = cloneTree(AT_FDCWD, path, "single");
    const set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    setMountAttributes(tree, { set, clear: 0, propagation: MS_PRIVATE, recursive: false });
    sendByte(socket, 0, tree);
  } catch (error) {
    if (error instanceof SyscallError) sendByte(socket, error.errno);
  }
  exitNow(0);
}
