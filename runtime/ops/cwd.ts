// The working directory of the container's program.

import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_PATH, tryOpenInRoot } from "../sys/file.ts";
import { tryChangeDirectory, workingDirectory } from "../sys/namespace.ts";
import { defineOp } from "./op.ts";
import { openTarget } from "./path.ts";

const EACCES = 13;
const ELOOP = 40;

/** Makes the working directory if it is missing, with the mode that a mount point gets. */
export const makeWorkingDirectory = defineOp<{ path: string }>({
  name: "cwd.make",
  print: ({ path }) => path,
  run: ({ path }, { slots }) => closeFd(openTarget(slots.get("$root"), path, "directory")),
});

/**
 * Enters the working directory. A magic link such as /proc/self/fd/7 is refused, and so is whatever
 * lies outside of the root (CVE-2024-21626). `as` is who tries: root may enter what the user may
 * not, and on some filesystems it is the other way round; the user's try decides.
 */
export const enterWorkingDirectory = defineOp<{ path: string; as: "root" | "user" }>({
  name: "cwd.enter",
  print: ({ path, as }) => `${path} (as ${as})`,
  run: ({ path, as }, { slots }) => {
    const fd = tryOpenInRoot(slots.get("$root"), path === "/" ? "." : path, O_PATH);
    const entered = fd < 0 ? fd : tryChangeDirectory(fd);
    if (fd >= 0) closeFd(fd);
    if (entered === -EACCES && as === "root") return;
    if (entered === -ELOOP) throw new RuntimeError(`chdir "${path}": leads out of the container`);
    if (entered < 0) throw new SyscallError(`chdir("${path}")`, -entered);
    if (!workingDirectory().startsWith("/")) {
      throw new RuntimeError(`chdir "${path}": leads out of the container`);
    }
  },
});
