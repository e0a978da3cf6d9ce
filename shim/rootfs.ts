// The mounts that make a container's root filesystem, which containerd leaves to the shim.

import { mountOptions } from "../runtime/clauses/mount-options.ts";
import { RuntimeError, SyscallError } from "../runtime/errors.ts";
import { flagsFrom, mountByText, type TextMount } from "../runtime/ops/mount-text.ts";
import { makeDirectories } from "../runtime/sys/directory.ts";
import { closeFd, O_DIRECTORY, O_PATH, open, readFile } from "../runtime/sys/file.ts";
import { detach, MS_BIND, MS_REC, MS_REMOUNT, mount } from "../runtime/sys/mount.ts";
import { changeDirectory } from "../runtime/sys/namespace.ts";
import { bindMapped, mountMappedOverlay, partedOptions } from "./mapped-mount.ts";
import type { Mount } from "./proto/common.ts";
import type { ValueOf } from "./proto/message.ts";

export type RootfsMount = ValueOf<typeof Mount>;

/** Mounts each onto the directory, in order. What cannot be mounted takes back the ones before. */
export function mountRootfs(mounts: readonly RootfsMount[], directory: string): void {
  try {
    for (const one of mounts) mountOne(one, `${directory}${one.target}`);
  } catch (error) {
    unmountRootfs(directory);
    throw error;
  }
}

function mountOne({ type, source, options }: RootfsMount, target: string): void {
  const foreign = options.find((option) => option.startsWith("X-containerd."));
  if (foreign !== undefined) throw new RuntimeError(`mount option ${foreign} is containerd's own`);
  makeDirectories(target, 0o711);
  const { ids, rest } = partedOptions(options);
  const { bind, attributes, superblock, data } = mountOptions(rest);
  const set = flagsFrom(attributes.set);
  if (ids !== undefined && type === "overlay") {
    mountMappedOverlay({ target, flags: superblock | set, options: data }, ids);
    return;
  }
  if (bind === undefined) {
    mountFilesystem({ source, type, data, attributes: attributes.set, superblock }, target);
    return;
  }
  const recursive = bind === "recursive" ? MS_REC : 0;
  if (ids === undefined) {
    mount({ source, target, type: "bind", flags: MS_BIND | recursive, data: "" });
  } else bindMapped({ source, target, depth: bind }, ids);
  if (set !== 0)
    mount({ source, target, type: "bind", flags: MS_BIND | MS_REMOUNT | set, data: "" });
}

/** An image has more layers than fit into a page by their paths: they go by descriptor then. */
function mountFilesystem(filesystem: TextMount, target: string): void {
  const fd = open(target, O_PATH);
  mountByText(filesystem, fd);
  closeFd(fd);
  // That way leads through a directory of /proc.
  const root = open("/", O_PATH | O_DIRECTORY);
  changeDirectory(root);
  closeFd(root);
}

/** Unmounts everything on and below a directory, what was mounted last first. */
export function unmountRootfs(directory: string): void {
  for (const target of mountsBelow(directory).toReversed()) {
    try {
      detach(target);
    } catch (error) {
      const EINVAL = 22;
      if (!(error instanceof SyscallError) || error.errno !== EINVAL) throw error;
    }
  }
}

function mountsBelow(directory: string): string[] {
  return readFile("/proc/self/mountinfo")
    .split("\n")
    .map((line) => unescaped(line.split(" ")[4] ?? ""))
    .filter((path) => path === directory || path.startsWith(`${directory}/`));
}

/** proc_pid_mountinfo(5) writes space, tab, newline and backslash in octal. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_all, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
