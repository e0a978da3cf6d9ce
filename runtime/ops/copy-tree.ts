// The contents of one directory copied into another, both held by descriptor. Nothing in the source is
// trusted: no link is followed, no other filesystem entered, and there is an end to it.

import { EINVAL, ENOENT, EPERM } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { changeMode, copyAttributes, copyContents, copyTimes, tryLinkAt } from "../sys/copy.ts";
import { entriesOf } from "../sys/directory.ts";
import {
  deviceNumber,
  tryChangeOwner,
  tryMakeDirectoryAt,
  tryMakeNodeAt,
  trySymlinkAt,
} from "../sys/entry.ts";
import {
  closeFd,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  openAt,
  readLinkAt,
} from "../sys/file.ts";
import {
  type FileStatus,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statusAt,
  statusOf,
} from "../sys/status.ts";

const ENTRIES_MAX = 100_000;
/** Two descriptors are open at each depth. */
const DEPTH_MAX = 200;

interface Copy {
  /** The root of the copy, for hard links. */
  top: number;
  /** The mount that the source is on. */
  mountId: number;
  /** Where a file with several names has been copied to, by inode. */
  links: Map<bigint, string>;
  entries: number;
  left: string[];
}

interface Entry {
  from: number;
  to: number;
  name: string;
  /** From the top, for people and for hard links. */
  path: string;
  status: FileStatus;
}

/**
 * Copies everything below an opened directory, and its own owner if `owner` says so: owners, modes, times, links, attributes, fifos and
 * device nodes. What is mounted below stays out.
 *
 * @returns paths of what could not be copied: nodes that may not be made, attributes that may not be set
 * @throws RuntimeError when there is more than anyone would want copied
 */
export function copyTree(source: number, target: number, { owner }: { owner: boolean }): string[] {
  const from = openAt(source, ".", O_RDONLY | O_DIRECTORY);
  const to = openAt(target, ".", O_RDONLY | O_DIRECTORY);
  const status = statusOf(from);
  const copy: Copy = { top: to, mountId: status.mountId, links: new Map(), entries: 0, left: [] };
  copyEntries(copy, { from, to, path: "" });
  if (owner) takeOwner(copy, to, { path: ".", status });
  note(copy, copyAttributes(from, to), ".");
  copyTimes({ directory: from, name: "." }, { directory: to, name: "." });
  closeFd(from);
  closeFd(to);
  return copy.left;
}

function copyEntries(copy: Copy, place: { from: number; to: number; path: string }): void {
  for (const { name } of entriesOf(place.from)) {
    copy.entries += 1;
    if (copy.entries > ENTRIES_MAX) {
      throw new RuntimeError(`there are more than ${ENTRIES_MAX} files to be copied`);
    }
    const path = place.path === "" ? name : `${place.path}/${name}`;
    const status = statusAt(place.from, name);
    // Gone meanwhile, or a name that is no text.
    if (status === -ENOENT) copy.left.push(path);
    else if (typeof status === "number") throw new SyscallError(`statx("${path}")`, -status);
    else if (status.mountId === copy.mountId) copyEntry(copy, { ...place, name, path, status });
  }
}

function copyEntry(copy: Copy, entry: Entry): void {
  const { from, to, name, status } = entry;
  const type = status.mode & S_IFMT;
  const key = status.links > 1 && type !== S_IFDIR ? status.inode : undefined;
  const twin = key === undefined ? undefined : copy.links.get(key);
  if (twin !== undefined) {
    const result = tryLinkAt({ directory: copy.top, name: twin }, { directory: to, name });
    if (result < 0) throw new SyscallError(`linkat("${twin}", "${entry.path}")`, -result);
    return;
  }
  const isCopied =
    type === S_IFDIR
      ? copyDirectory(copy, entry)
      : type === S_IFREG
        ? copyFile(copy, entry)
        : copyNode(copy, entry);
  if (!isCopied) {
    copy.left.push(entry.path);
    return;
  }
  if (key !== undefined) copy.links.set(key, entry.path);
  copyTimes({ directory: from, name }, { directory: to, name });
}

function copyDirectory(copy: Copy, { from, to, name, path, status }: Entry): boolean {
  if (path.split("/").length > DEPTH_MAX) {
    throw new RuntimeError(`there are more than ${DEPTH_MAX} directories below each other`);
  }
  const below = openAt(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const result = tryMakeDirectoryAt(to, name, 0o700);
  if (result < 0) throw new SyscallError(`mkdirat("${path}")`, -result);
  const made = openAt(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  copyEntries(copy, { from: below, to: made, path });
  note(copy, copyAttributes(below, made), path);
  takeOwner(copy, made, { path, status });
  changeMode(made, status.mode & 0o7777);
  closeFd(below);
  closeFd(made);
  return true;
}

function copyFile(copy: Copy, { from, to, name, path, status }: Entry): boolean {
  const source = openAt(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  // Another file may have taken the name.
  const { mode, size } = statusOf(source);
  const isFile = (mode & S_IFMT) === S_IFREG;
  if (isFile) {
    const made = openAt(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    copyContents(source, made, size);
    // First the owner: its change takes set-id bits and file capabilities away.
    takeOwner(copy, made, { path, status });
    changeMode(made, status.mode & 0o7777);
    note(copy, copyAttributes(source, made), path);
    closeFd(made);
  }
  closeFd(source);
  return isFile;
}

/** A symbolic link, fifo, socket or device; false where the caller may not make one. */
function copyNode(copy: Copy, { from, to, name, path, status }: Entry): boolean {
  const { mode, rdevMajor, rdevMinor } = status;
  const result =
    (mode & S_IFMT) === S_IFLNK
      ? trySymlinkAt(readLinkAt(from, name), to, name)
      : tryMakeNodeAt(to, name, mode, deviceNumber(rdevMajor, rdevMinor));
  if (result === -EPERM) return false;
  if (result < 0) throw new SyscallError(`mknodat("${path}")`, -result);
  const made = openAt(to, name, O_PATH | O_NOFOLLOW);
  takeOwner(copy, made, { path, status });
  closeFd(made);
  return true;
}

/** An owner that the container's user namespace does not know stays out. */
function takeOwner(copy: Copy, fd: number, of: { path: string; status: FileStatus }): void {
  const result = tryChangeOwner(fd, of.status.uid, of.status.gid);
  if (result === -EPERM || result === -EINVAL) note(copy, ["owner"], of.path);
  else if (result < 0) throw new SyscallError(`fchownat("${of.path}")`, -result);
}

function note(copy: Copy, attributes: readonly string[], path: string): void {
  copy.left.push(...attributes.map((name) => `${name} of ${path}`));
}
