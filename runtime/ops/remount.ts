// Remounts: the one change of a superblock that has no descriptor to itself, so mount(2) makes it.

import { EPERM } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_PATH, openInRoot } from "../sys/file.ts";
import {
  MOUNT_ATTR__ATIME,
  type MountAttributes,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_RELATIME,
  MS_REMOUNT,
  mount,
  setMountAttributes,
} from "../sys/mount.ts";
import { mountFlagsOf } from "../sys/status.ts";
import { atOpened, flagsFrom, requireShort } from "./mount-text.ts";
import { defineOp } from "./op.ts";

interface Remount {
  target: string;
  /** MOUNT_ATTR_* of the mount, and those that are to be off. */
  attributes: { set: number; clear: number };
  /** MS_* besides MS_REMOUNT: of the superblock, and MS_BIND for the mount alone. */
  flags: number;
  data: readonly string[];
  /** What is done to the mount afterwards, in order: propagation, recursive attributes. */
  adjustments: readonly MountAttributes[];
}

/** mount(2) with MS_REMOUNT. */
export const remount = defineOp<Remount>({
  name: "mount.remount",
  print: ({ target, data }) => `${target}${data.length === 0 ? "" : ` (${data.join(",")})`}`,
  run: ({ target, attributes, adjustments, ...args }, { slots }) => {
    const data = args.data.join(",");
    requireShort(data);
    const fd = openInRoot(slots.get("$root"), target, O_PATH);
    const asked = args.flags | flagsFrom(attributes.set) | MS_REMOUNT;
    const remountWith = (flags: number): void =>
      atOpened(fd, (path) => mount({ source: "", target: path, type: "", flags, data }));
    try {
      remountWith(asked);
    } catch (error) {
      if (!(error instanceof SyscallError && error.errno === EPERM)) throw error;
      remountLocked(asked, { locked: lockedFlags(fd), attributes, remountWith, error });
    }
    for (const adjustment of adjustments) setMountAttributes(fd, adjustment);
    closeFd(fd);
  },
});

/** Flags of statfs(2) that a less privileged mount namespace may not take away, and mount(2)'s. */
const LOCKABLE: readonly (readonly [statfs: number, flag: number, name: string])[] = [
  [1, MS_RDONLY, "ro"],
  [2, MS_NOSUID, "nosuid"],
  [4, MS_NODEV, "nodev"],
  [8, MS_NOEXEC, "noexec"],
  [1024, MS_NOATIME, "noatime"],
  [2048, MS_NODIRATIME, "nodiratime"],
  [4096, MS_RELATIME, "relatime"],
];

function lockedFlags(fd: number) {
  const found = mountFlagsOf(fd);
  return LOCKABLE.filter(([statfs]) => (found & statfs) !== 0);
}

/** Once more with the flags that the mount came with, unless one of them is to be off. */
function remountLocked(
  asked: number,
  how: {
    locked: ReturnType<typeof lockedFlags>;
    attributes: { clear: number };
    remountWith: (flags: number) => void;
    error: SyscallError;
  },
): void {
  const off = flagsFrom(how.attributes.clear & ~MOUNT_ATTR__ATIME);
  const refused = how.locked.filter(([, flag]) => (flag & off) !== 0).map(([, , name]) => name);
  if (refused.length > 0) {
    throw new RuntimeError(
      `${how.error.message} (hint: ${refused.join(", ")} came with the mount from outside of the user namespace and cannot be taken off)`,
    );
  }
  how.remountWith(how.locked.reduce((flags, [, flag]) => flags | flag, asked));
}
