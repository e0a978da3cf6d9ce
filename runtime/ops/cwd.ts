// The working directory of the container's program.

import { EACCES, ELOOP } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_PATH, tryOpenInRoot } from "../sys/file.ts";
import { tryChangeDirectory, workingDirectory } from "../sys/namespace.ts";
import { defineOp } from "./op.ts";
import { openTarget } from "./path.ts";

/** Makes the working directory if it is missing, with the mode that a mount point gets. */
export const makeWorkingDirectory = defineOp<{ path: string }>({
  name: "cwd.make",
  print: ({ path }) => path,
  run: ({ path }, { slots }) => closeFd(openTarget(slots.get("$root"), path, "directory")),
});

/**
 * Opens the working directory and enters it as root. A magic link such as /proc/self/fd/7 is
 * refused, and so is whatever lies outside of the root (CVE-2024-21626).
 */
export const openWorkingDirectory = defineOp<{ path: string }>({
  name: "cwd.open",
  print: ({ path }) => `${path} →$cwd`,
  onTape: true,
  run: ({ path }, { slots, found }) => {
    const fd = tryOpenInRoot(slots.get("$root"), path === "/" ? "." : path, O_PATH);
    if (fd === -ELOOP) throw new RuntimeError(`chdir "${path}": leads out of the container`);
    if (fd < 0) throw new SyscallError(`chdir("${path}")`, -fd);
    slots.put("$cwd", fd);
    // Root may be refused where the user is not (root_squash of NFS): then the user's try decides.
    const entered = tryChangeDirectory(fd);
    if (entered === -EACCES) return;
    requireInside(path, entered);
    found.set("cwd", path);
  },
});

/**
 * Enters it as the user where root could not. A directory that root alone can enter, such as /root,
 * may be the working directory of anyone: images have that. The descriptor is there, so a limit of
 * open files does not matter.
 */
export const enterWorkingDirectory = defineOp<{ path: string }>({
  name: "cwd.enter",
  print: ({ path }) => path,
  onTape: true,
  run: ({ path }, { slots, found }) => {
    requireInside(path, found.has("cwd") ? 0 : tryChangeDirectory(slots.get("$cwd")));
  },
});

function requireInside(path: string, entered: number): void {
  if (entered < 0) throw new SyscallError(`chdir("${path}")`, -entered);
  if (!workingDirectory().startsWith("/")) {
    throw new RuntimeError(`chdir "${path}": leads out of the container`);
  }
}
