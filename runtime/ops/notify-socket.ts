// The folder in which the container's program finds the socket for sd_notify(3).

import { SyscallError } from "../errors.ts";
import { changeModeAt, tryMakeDirectoryAt } from "../sys/entry.ts";
import { AT_FDCWD } from "../sys/file.ts";
import { defineOp } from "./op.ts";

/** The folder in the container's own, and the socket in it. */
export const NOTIFY_FOLDER = "notify";
export const NOTIFY_SOCKET = "notify.sock";

/** mkdir(2), whatever the umask; it goes with the container's own folder. */
export const makeNotifyFolder = defineOp<{ path: string }>({
  name: "notify.make-folder",
  print: ({ path }) => path,
  run: ({ path }) => {
    const result = tryMakeDirectoryAt(AT_FDCWD, path, 0o755);
    if (result < 0) throw new SyscallError(`mkdir("${path}")`, -result);
    changeModeAt(AT_FDCWD, path, 0o755);
  },
});
