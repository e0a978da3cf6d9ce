// Labels of security modules, written through a procfs of our own: whoever decides what is mounted
// on /proc would decide whether the program is confined (CVE-2019-16884, CVE-2025-52881).

import { EINVAL, ENOENT } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { trySetAttribute } from "../sys/entry.ts";
import {
  closeFd,
  O_DIRECTORY,
  O_RDONLY,
  O_WRONLY,
  openInRoot,
  RESOLVE_NO_XDEV,
  tryOpenInRoot,
  tryWriteOnce,
} from "../sys/file.ts";
import { defineOp } from "./op.ts";
import { openProc } from "./proc.ts";
import type { Slots } from "./slots.ts";

/** The profile of what is executed next. */
export const setApparmorProfile = defineOp<{ profile: string }>({
  name: "apparmor.exec",
  print: ({ profile }) => profile,
  run: ({ profile }, { slots }) => {
    const text = `exec ${profile}`;
    let file = "attr/apparmor/exec";
    let fd = openAttribute(slots, file);
    if (fd === -ENOENT) {
      // Before Linux 5.8 there was one file for all modules.
      file = "attr/exec";
      fd = openAttribute(slots, file);
    }
    const result = writeAndClose(fd, text);
    if (result < 0) {
      const hint = fd >= 0 && result === -ENOENT ? " (hint: the profile is not loaded)" : "";
      throw new RuntimeError(`${faultOf(file, text, result).message}${hint}`);
    }
  },
});

/** The label of what is executed next. */
export const setSelinuxLabel = defineOp<{ label: string }>({
  name: "selinux.exec",
  print: ({ label }) => label,
  run: ({ label }, { slots }) => writeLabel(slots, "attr/exec", label),
});

/** The label of keys that are made from here on; null: what the policy gives them. */
export const setKeyLabel = defineOp<{ label: string | null }>({
  name: "selinux.keycreate",
  print: ({ label }) => label ?? "reset",
  // A line of nothing takes a label back; a write of nothing would do nothing.
  run: ({ label }, { slots }) => writeLabel(slots, "attr/keycreate", label ?? "\n"),
});

/** The label of a mount that takes none as an option. */
export const labelMount = defineOp<{ path: string; label: string }>({
  name: "selinux.mount",
  print: ({ path, label }) => `${path} ${label}`,
  run: ({ path, label }, { slots }) => {
    const fd = openInRoot(slots.get("$root"), path, O_RDONLY | O_DIRECTORY);
    const result = trySetAttribute(fd, "security.selinux", label);
    closeFd(fd);
    if (result < 0) {
      throw new SyscallError(`fsetxattr("${path}", "security.selinux", "${label}")`, -result);
    }
  },
});

function writeLabel(slots: Slots, file: string, label: string): void {
  const result = writeAndClose(openAttribute(slots, file), label);
  if (result === 0) return;
  const hint = result === -EINVAL ? " (hint: the policy knows no such label)" : "";
  throw new RuntimeError(`${faultOf(file, label, result).message}${hint}`);
}

function openAttribute(slots: Slots, file: string): number {
  if (!slots.has("$proc")) slots.put("$proc", openProc());
  return tryOpenInRoot(slots.get("$proc"), `self/${file}`, O_WRONLY, RESOLVE_NO_XDEV);
}

function writeAndClose(fd: number, text: string): number {
  if (fd < 0) return fd;
  const result = tryWriteOnce(fd, text);
  closeFd(fd);
  return result;
}

function faultOf(file: string, text: string, result: number): SyscallError {
  return new SyscallError(`write("/proc/self/${file}", "${text.trim()}")`, -result);
}
