// Device nodes, symbolic links and directories below the root.

import { EEXIST, ENOENT } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import {
  changeModeAt,
  deviceNumber,
  tryChangeOwner,
  tryMakeNodeAt,
  trySymlinkAt,
  tryUnlinkAt,
} from "../sys/entry.ts";
import {
  closeFd,
  O_NOFOLLOW,
  O_PATH,
  open,
  openAt,
  readLinkAt,
  tryOpenInRoot,
} from "../sys/file.ts";
import { cloneTree, MS_PRIVATE, moveMount, setMountAttributes } from "../sys/mount.ts";
import {
  type FileStatus,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statusAt,
  statusOf,
} from "../sys/status.ts";
import { defineOp } from "./op.ts";
import { openParent, openTarget } from "./path.ts";

const RW_ALL = 0o666;
const PERMISSIONS = 0o7777;
const S_IFBLK = 0o060000;

export interface Node {
  path: string;
  type: "c" | "b" | "u" | "p";
  major: number;
  minor: number;
  /** Permissions; absent: 0666 if it is made, and left alone if it is there. */
  fileMode?: number;
  /** Owner; absent: who makes it, and left alone if it is there. */
  uid?: number;
  gid?: number;
}

/** mknodat(2). A node that is there already must be the same one (config-linux.md#devices). */
export const makeNode = defineOp<Node>({
  name: "node.make",
  print: deviceText,
  run: (node, { slots }) => {
    const { parent, name } = openParent(slots.get("$root"), node.path);
    const device = node.type === "p" ? 0 : deviceNumber(node.major, node.minor);
    const mode = fileType(node) | (node.fileMode ?? RW_ALL);
    const result = tryMakeNodeAt(parent, name, mode, device);
    if (result < 0 && result !== -EEXIST) {
      throw new SyscallError(`mknodat("${node.path}", ${node.major}:${node.minor})`, -result);
    }
    const fd = openAt(parent, name, O_PATH | O_NOFOLLOW);
    if (result === -EEXIST && !isSame(statusOf(fd), node)) throw otherFile(node.path, fd, node);
    if (hasAttributes(node)) setAttributes(node, { parent, name, fd });
    closeFd(fd);
    closeFd(parent);
  },
});

function hasAttributes({ fileMode, uid, gid }: Node): boolean {
  return fileMode !== undefined || uid !== undefined || gid !== undefined;
}

/** As given, whatever its directory passes on (acl(5), the set-group-ID bit) or it had before. */
function setAttributes(node: Node, at: { parent: number; name: string; fd: number }): void {
  const { mode, uid, gid } = statusOf(at.fd);
  const wanted = { uid: node.uid ?? uid, gid: node.gid ?? gid };
  if (uid !== wanted.uid || gid !== wanted.gid) {
    const changed = tryChangeOwner(at.fd, wanted.uid, wanted.gid);
    if (changed < 0) {
      throw new SyscallError(`fchownat("${node.path}", ${wanted.uid}, ${wanted.gid})`, -changed);
    }
  }
  const fileMode = node.fileMode ?? mode & PERMISSIONS;
  if (fileMode !== (statusOf(at.fd).mode & PERMISSIONS)) changeModeAt(at.parent, at.name, fileMode);
}

/** Opens the host's node of the same path: who may not make one is lent it. open_tree(2), 5.2. */
export const openNode = defineOp<Node & { into: string }>({
  name: "node.open",
  print: (node) => `${deviceText(node)} →${node.into}`,
  run: (node, { slots }) => {
    const anchor = openHosts(node.path);
    if (!isSame(statusOf(anchor), node)) throw otherFile(`the host's ${node.path}`, anchor, node);
    const tree = cloneTree(anchor, "", "single");
    // A copy of a shared mount is its peer: what the container mounts there would show on the host.
    setMountAttributes(tree, { set: 0, clear: 0, propagation: MS_PRIVATE, recursive: false });
    slots.put(node.into, tree);
    closeFd(anchor);
  },
});

function openHosts(path: string): number {
  try {
    return open(path, O_PATH);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ENOENT) throw error;
    throw new RuntimeError(
      `${error.message} (hint: no device can be made in a user namespace, so the host's own of the same path is mounted, and there is none)`,
    );
  }
}

/** Mounts a node of the host's onto an empty file, or over the same node, below the root. */
export const mountNode = defineOp<Node & { from: string }>({
  name: "node.mount",
  print: (node) => `${node.from} on ${deviceText(node)}`,
  run: (node, { slots }) => {
    const place = openTarget(slots.get("$root"), node.path, "file");
    const status = statusOf(place);
    const isEmpty = (status.mode & S_IFMT) === S_IFREG && status.size === 0;
    if (!isEmpty && !isSame(status, node)) throw otherFile(node.path, place, node);
    moveMount(slots.get(node.from), place);
    closeFd(place);
    slots.close(node.from);
  },
});

function deviceText({ path, type, major, minor }: Node): string {
  return `${path} (${type}${type === "p" ? "" : ` ${major}:${minor}`})`;
}

function fileType({ type }: Node): number {
  if (type === "p") return S_IFIFO;
  return type === "b" ? S_IFBLK : S_IFCHR;
}

function isSame(status: FileStatus, node: Node): boolean {
  const sameType = (status.mode & S_IFMT) === fileType(node);
  const sameDevice = status.rdevMajor === node.major && status.rdevMinor === node.minor;
  return sameType && (node.type === "p" || sameDevice);
}

function otherFile(what: string, fd: number, node: Node): RuntimeError {
  return new RuntimeError(`${what} is ${statusText(statusOf(fd))}, wanted ${nodeText(node)}`);
}

function nodeText({ type, major, minor }: Node): string {
  return type === "p" ? "a fifo" : `the device ${type} ${major}:${minor}`;
}

function statusText({ mode, rdevMajor, rdevMinor }: FileStatus): string {
  const numbers = `${rdevMajor}:${rdevMinor}`;
  const texts: Readonly<Record<number, string>> = {
    [S_IFCHR]: `the device c ${numbers}`,
    [S_IFBLK]: `the device b ${numbers}`,
    [S_IFIFO]: "a fifo",
    [S_IFDIR]: "a directory",
    [S_IFLNK]: "a symbolic link",
    [S_IFREG]: "a regular file",
  };
  return texts[mode & S_IFMT] ?? "a socket";
}

interface Symlink {
  path: string;
  to: string;
  /** What becomes of what stands at `path`; a directory is never replaced. */
  existing: "keep" | "replace";
  /** Only if there is something at `to` below the root. */
  ifThere: boolean;
}

/** symlinkat(2). */
export const makeSymlink = defineOp<Symlink>({
  name: "link.make",
  print: ({ path, to, ifThere }) => `${path} → ${to}${ifThere ? " if it is there" : ""}`,
  run: ({ path, to, existing, ifThere }, { slots }) => {
    const root = slots.get("$root");
    if (ifThere && !isThere(root, to)) return;
    const { parent, name } = openParent(root, path);
    let result = trySymlinkAt(to, parent, name);
    // The right one need not be replaced, which the root of a user namespace might not be allowed.
    if (result === -EEXIST && isLinkTo(parent, name, to)) result = 0;
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

function isLinkTo(parent: number, name: string, to: string): boolean {
  const status = statusAt(parent, name);
  const isLink = typeof status !== "number" && (status.mode & S_IFMT) === S_IFLNK;
  return isLink && readLinkAt(parent, name) === to;
}

/** The file itself, also where it is a link into nowhere, as those of /proc/self/fd can be. */
function isThere(root: number, path: string): boolean {
  const fd = tryOpenInRoot(root, path, O_PATH | O_NOFOLLOW);
  if (fd >= 0) closeFd(fd);
  return fd >= 0;
}

/** A directory below the root, with those above it, if it is not there. */
export const makeDirectory = defineOp<{ path: string }>({
  name: "directory.make",
  print: ({ path }) => path,
  run: ({ path }, { slots }) => closeFd(openTarget(slots.get("$root"), path, "directory")),
});
