// Paths of the container, opened once and never walked again: the target of a mount or a device is
// opened below the root, and made there, component by component, if it is missing.

import { EACCES, EEXIST, ENOENT, ENOTDIR, EROFS } from "../errno.ts";
import { RuntimeError, SyscallError, withHint } from "../errors.ts";
import { tryMakeDirectoryAt } from "../sys/entry.ts";
import {
  closeFd,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  openAt,
  readLinkAt,
  tryOpenInRoot,
} from "../sys/file.ts";
import { S_IFLNK, S_IFMT, statusAt } from "../sys/status.ts";
import { isProcfs } from "./proc-guard.ts";

const LINKS_MAX = 40;

/**
 * An O_PATH descriptor of an existing path below the root; undefined when there is none, also
 * because something above it is no directory.
 */
export function openExisting(root: number, path: string, resolve = 0): number | undefined {
  const fd = tryOpenInRoot(root, relative(path), O_PATH, resolve);
  if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
  if (fd < 0) throw new SyscallError(`openat2("${path}", O_PATH, RESOLVE_IN_ROOT)`, -fd);
  return fd;
}

/**
 * An O_PATH descriptor of `path` below the root. What is missing is made: directories with mode
 * 0755, and the last component as a directory or an empty file.
 */
export function openTarget(root: number, path: string, kind: "directory" | "file"): number {
  return openExisting(root, path) ?? makeTarget(root, { path, kind }, LINKS_MAX);
}

/** The directory that holds `path`, opened (and made) below the root, and the last component. */
export function openParent(root: number, path: string): { parent: number; name: string } {
  const components = componentsOf(path);
  const name = components.pop();
  if (name === undefined || name === "..") throw new RuntimeError(`"${path}" names no file`);
  return { parent: openTarget(root, components.join("/"), "directory"), name };
}

function makeTarget(
  root: number,
  target: { path: string; kind: "directory" | "file" },
  linksLeft: number,
): number {
  const components = componentsOf(target.path);
  const upTo = (depth: number): string => components.slice(0, depth).join("/");
  // From below: most of it is there, as a rule all but the last.
  let depth = components.length - 1;
  let parent = openExisting(root, upTo(depth));
  while (parent === undefined) parent = openExisting(root, upTo(--depth));
  for (let index = depth; index < components.length; index++) {
    const name = components[index] ?? "";
    const upToHere = upTo(index + 1);
    const last = index === components.length - 1;
    let next = index === depth ? undefined : openExisting(root, upToHere);
    if (next === undefined) {
      if (name === "..")
        throw new RuntimeError(`"${target.path}" goes up from a missing directory`);
      const made = make(parent, { name, path: upToHere }, last ? target.kind : "directory");
      if (!made) {
        // A dangling link: what it points to is made instead, from the root again.
        const link = danglingLink(parent, name, target.path);
        closeFd(parent);
        if (linksLeft === 0) throw new RuntimeError(`"${target.path}": too many symbolic links`);
        const before = link.startsWith("/") ? [] : components.slice(0, index);
        const path = [...before, link, ...components.slice(index + 1)].join("/");
        return openTargetAgain(root, { path, kind: target.kind }, linksLeft - 1);
      }
      next = openAt(parent, name, O_PATH | O_NOFOLLOW);
    }
    closeFd(parent);
    parent = next;
  }
  return parent;
}

function openTargetAgain(
  root: number,
  target: { path: string; kind: "directory" | "file" },
  linksLeft: number,
): number {
  return openExisting(root, target.path) ?? makeTarget(root, target, linksLeft);
}

/** Makes a directory or an empty file; false when something of that name is there. */
function make(
  parent: number,
  { name, path }: { name: string; path: string },
  kind: "directory" | "file",
): boolean {
  try {
    if (kind === "directory") {
      const result = tryMakeDirectoryAt(parent, name, 0o755);
      if (result < 0) throw new SyscallError(`mkdirat("/${path}")`, -result);
    } else {
      closeFd(openAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644));
    }
    return true;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errno === EEXIST) return false;
    const hint = MAKING_HINTS[error.errno];
    if (hint === undefined) throw error;
    throw withHint(new RuntimeError(`/${path} cannot be made: ${error.message}`), hint);
  }
}

const MAKING_HINTS: Readonly<Record<number, string>> = {
  // As in a user namespace, when the root filesystem belongs to somebody who is not mapped.
  [EACCES]:
    "the directory above it has to belong to the container's root, by the ids that are mapped",
  [EROFS]: "it has to be in the image, since the filesystem there cannot be written to",
};

function danglingLink(parent: number, name: string, path: string): string {
  // What a magic link says is a path of the host's, and not where it leads.
  if (isProcfs(parent)) throw new RuntimeError(`"${path}": leads out of the container`);
  const status = statusAt(parent, name);
  if (typeof status === "number" || (status.mode & S_IFMT) !== S_IFLNK) {
    throw new RuntimeError(`"${path}" was changed by someone else while it was being made`);
  }
  return readLinkAt(parent, name);
}

function componentsOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/**
 * openat2(2) takes "" for nothing; "." is the root itself. A slash at the end would make it say that
 * a file is no directory, and what is to be masked would be taken for missing.
 */
function relative(path: string): string {
  return componentsOf(path).join("/") || ".";
}

/** Opens a directory below the root for use as a working directory. */
export function openDirectory(root: number, path: string): number {
  const fd = tryOpenInRoot(root, relative(path), O_PATH | O_DIRECTORY);
  if (fd < 0) throw new SyscallError(`openat2("${path}", O_DIRECTORY, RESOLVE_IN_ROOT)`, -fd);
  return fd;
}
