// The standard streams: whose they are, and what of the host shows through them.

import { EINVAL, ENOENT, EPERM, EROFS } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { tryChangeOwner } from "../sys/entry.ts";
import { closeFd, duplicateTo, isOpen, O_RDWR, tryOpenInRoot } from "../sys/file.ts";
import { S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK, statusOf } from "../sys/status.ts";
import { defineOp } from "./op.ts";

const STREAMS = [0, 1, 2];

/** fchown(2) of the standard streams, so that a program without privileges may reopen them. */
export const ownStreams = defineOp<{ uid: number }>({
  name: "stdio.own",
  print: ({ uid }) => String(uid),
  onTape: true,
  run: ({ uid }) => {
    const UNCHANGED = 0xffffffff;
    for (const fd of STREAMS) {
      if (isOpen(fd) && !isNullDevice(fd)) changeOwner(fd, uid, UNCHANGED);
    }
  },
});

/**
 * fchown(2) of pipes, fifos and sockets to ids of the host's, for a program in a user namespace that
 * their owner is not in. Files and terminals stay the caller's.
 */
export const giveStreams = defineOp<{ uid: number; gid: number }>({
  name: "stdio.give",
  print: ({ uid, gid }) => `${uid}:${gid}`,
  run: ({ uid, gid }) => {
    for (const fd of STREAMS) {
      if (isOpen(fd) && [S_IFIFO, S_IFSOCK].includes(statusOf(fd).mode & S_IFMT)) {
        changeOwner(fd, uid, gid);
      }
    }
  },
});

/** A stream on the host's /dev/null is moved to the container's, so that no mount of the host shows. */
export const reopenNull = defineOp<Record<string, never>>({
  name: "stdio.reopen-null",
  print: () => "/dev/null",
  onTape: true,
  run: (_args, { slots }) => {
    const nulls = STREAMS.filter((fd) => isOpen(fd) && isNullDevice(fd));
    if (nulls.length === 0) return;
    const found = tryOpenInRoot(slots.get("$root"), "/dev/null", O_RDWR);
    if (found === -ENOENT) return;
    if (found < 0) throw new SyscallError('openat2("/dev/null", O_RDWR)', -found);
    if (isNullDevice(found)) for (const fd of nulls) duplicateTo(found, fd);
    closeFd(found);
  },
});

/** A stream on a read-only or foreign filesystem stays as it is. */
function changeOwner(fd: number, uid: number, gid: number): void {
  if (statusOf(fd).uid === uid) return;
  const result = tryChangeOwner(fd, uid, gid);
  if (result < 0 && ![EINVAL, EPERM, EROFS].includes(-result)) {
    throw new SyscallError(`fchown(${fd}, ${uid}, ${gid})`, -result);
  }
}

function isNullDevice(fd: number): boolean {
  const { mode, rdevMajor, rdevMinor } = statusOf(fd);
  return (mode & S_IFMT) === S_IFCHR && rdevMajor === 1 && rdevMinor === 3;
}
