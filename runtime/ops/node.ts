// Device nodes, symbolic links and directories below the root.

import { RuntimeError, SyscallError } from "../errors.ts";
import {
  changeModeAt,
  closeFd,
  deviceNumber,
  O_NOFOLLOW,
  O_PATH,
  openAt,
  S_IFMT,
  statusOf,
  tryChangeOwner,
  tryMakeNodeAt,
  trySymlinkAt,
  tryUnlinkAt,
} from "../sys/file.ts";
import { defineOp } from "./op.ts";
import { openParent, openTarget } from "./path.ts";

const EEXIST = 17;
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

export interface Node {
  path: string;
  type: "c" | "b" | "u" | "p";
  major: number;
  minor: number;
  /** Permissions, decimal as in config.json. */
  fileMode: number;
  uid: number;
  gid: number;
}

/** mknodat(2). A node that is there already must be the same one (config-linux.md#devices). */
export const makeNode = defineOp<Node>({
  name: "node.make",
  print: ({ path, type, major, minor }) =>
    `${path} (${type}${type === "p" ? "" : ` ${major}:${minor}`})`,
  run: (node, { slots }) => {
    const { parent, name } = openParent(slots.get("$root"), node.path);
    const type = node.type === "p" ? S_IFIFO : node.type === "b" ? S_IFBLK : S_IFCHR;
    const device = node.type === "p" ? 0 : deviceNumber(node.major, node.minor);
    const result = tryMakeNodeAt(parent, name, type | node.fileMode, device);
    if (result < 0 && result !== -EEXIST) {
      throw new SyscallError(`mknodat("${node.path}", ${node.major}:${node.minor})`, -result);
    }
    const fd = openAt(parent, name, O_PATH | O_NOFOLLOW);
    if (result === -EEXIST) requireSame(fd, node, type);
    if (result === 0 && (node.uid !== 0 || node.gid !== 0)) {
      const changed = tryChangeOwner(fd, node.uid, node.gid);
      if (changed < 0) {
        throw new SyscallError(`fchownat("${node.path}", ${node.uid}, ${node.gid})`, -changed);
      }
      // chown(2) clears set-user-ID bits, and the mode must be as given.
      changeModeAt(parent, name, node.fileMode);
    }
    closeFd(fd);
    closeFd(parent);
  },
});

function requireSame(fd: number, node: Node, type: number): void {
  const status = statusOf(fd);
  const sameType = (status.mode & S_IFMT) === type;
  const sameDevice =
    node.type === "p" || (status.rdevMajor === node.major && status.rdevMinor === node.minor);
  if (!sameType || !sameDevice) {
    throw new RuntimeError(
      `${node.path} exists and is not the device ${node.type} ${node.major}:${node.minor}`,
    );
  }
}

/** symlinkat(2); what stands at `path` is replaced if `replace` is "node", and kept otherwise. */
export const makeSymlink = defineOp<{ path: string; to: string; existing: "keep" | "replace" }>({
  name: "link.make",
  print: ({ path, to }) => `${path} → ${to}`,
  run: ({ path, to, existing }, { slots }) => {
    const { parent, name } = openParent(slots.get("$root"), path);
    let result = trySymlinkAt(to, parent, name);
    if (result === -EEXIST && existing === "replace") {
      tryUnlinkAt(parent, name);
      result = trySymlinkAt(to, parent, name);
    }
    closeFd(parent);
    if (result < 0 && !(result === -EEXIST && existing === "keep")) {
      throw new SyscallError(`symlinkat("${to}", "${path}")`, -result);
    }
  },
});

/** A directory below the root, with those above it, if it is not there. */
export const makeDirectory = defineOp<{ path: string }>({
  name: "directory.make",
  print: ({ path }) => path,
  run: ({ path }, { slots }) => closeFd(openTarget(slots.get("$root"), path, "directory")),
});
