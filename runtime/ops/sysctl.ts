// Kernel parameters of the container's namespaces (linux.sysctl).

import { ENOENT } from "../errno.ts";
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
    // A write of nothing would change nothing; a line break is what empties a list.
    const result = fd < 0 ? fd : tryWriteOnce(fd, value === "" ? "\n" : value);
    if (fd >= 0) closeFd(fd);
    if (result >= 0) return;
    const call = fd < 0 ? `open("/proc/sys/${file}", O_WRONLY)` : `write("${value}")`;
    const { message } = new SyscallError(call, -result);
    throw new RuntimeError(`sysctl "${key}": ${message}${hintFor(fd)}`);
  },
});

/** Namespaces other than the first lack the parameters that are the whole host's. */
function hintFor(result: number): string {
  return result === -ENOENT ? " (hint: the container's namespaces have no such parameter)" : "";
}
