// Kernel parameters of the container's namespaces (linux.sysctl).

import { RuntimeError, SyscallError } from "../errors.ts";
import {
  closeFd,
  O_WRONLY,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  tryOpenInRoot,
  tryWriteOnce,
} from "../sys/file.ts";
import { defineOp } from "./op.ts";
import { openProc } from "./proc.ts";

/** A write below /proc/sys of a procfs that nobody can mount over (CVE-2025-52881). */
export const writeSysctl = defineOp<{ key: string; file: string; value: string }>({
  name: "sysctl.write",
  print: ({ key, value }) => `${key} = ${value}`,
  run: ({ key, file, value }, { slots }) => {
    if (!slots.has("$proc")) slots.put("$proc", openProc());
    const resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
    const fd = tryOpenInRoot(slots.get("$proc"), `sys/${file}`, O_WRONLY, resolve);
    const result = fd < 0 ? fd : tryWriteOnce(fd, value);
    if (fd >= 0) closeFd(fd);
    if (result < 0) {
      const { message } = new SyscallError(`write("/proc/sys/${file}", "${value}")`, -result);
      throw new RuntimeError(`sysctl "${key}": ${message}`);
    }
  },
});
