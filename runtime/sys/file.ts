// Files and directories through descriptors. Every descriptor is opened close-on-exec; the safe
// variant has the plain name (openBeneath), the one that follows links says so.

import { EAGAIN, EINTR } from "../errno.ts";
import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_PATH = 0o10000000;

export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_IN_ROOT = 0x10;

/** open(2) in the caller's own namespace; adds O_CLOEXEC. */
export function open(path: string, flags: number, mode = 0): number {
  return openAt(AT_FDCWD, path, flags, mode);
}

/** As {@link open}, or the negative errno. */
export function tryOpen(path: string, flags: number): number {
  return syscall(NR.openat, AT_FDCWD, cstr(path), flags | O_CLOEXEC, 0);
}

/** openat(2); adds O_CLOEXEC. */
export function openAt(directory: number, path: string, flags: number, mode = 0): number {
  return check(
    syscall(NR.openat, directory, cstr(path), flags | O_CLOEXEC, mode),
    () => `openat(${at(directory)}"${path}", ${flagText(flags)})`,
  );
}

/**
 * openat2(2) with a root that nothing gets out of: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS and
 * what `resolve` adds. Returns the descriptor or the negative errno. Linux 5.6.
 */
export function tryOpenInRoot(root: number, path: string, flags: number, resolve = 0): number {
  const how = piece(24);
  how.bytes.writeDoubleLE(0, 0);
  how.bytes.writeUInt32LE(flags | O_CLOEXEC, 0);
  how.bytes.writeUInt32LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve, 16);
  for (let attempt = 0; ; attempt++) {
    const fd = syscall(NR.openat2, root, cstr(path), how.address, 24);
    // EAGAIN: something in the path was renamed meanwhile (openat2(2)).
    if (fd !== -EAGAIN || attempt === 128) return fd;
  }
}

/** As {@link tryOpenInRoot}, throwing. */
export function openInRoot(root: number, path: string, flags: number, resolve = 0): number {
  return check(
    tryOpenInRoot(root, path, flags, resolve),
    () => `openat2("${path}", ${flagText(flags)}, RESOLVE_IN_ROOT)`,
  );
}

/** close(2). Errors mean that there was nothing to close, which is a bug of ours. */
export function closeFd(fd: number): void {
  check(syscall(NR.close, fd), () => `close(${fd})`);
}

/** Uses a descriptor, and closes it whatever happens. */
export function closing<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

/** close_range(2) with CLOSE_RANGE_CLOEXEC: all descriptors from `first` up close at execve. 5.11. */
export function markCloseOnExec(first: number): void {
  const CLOSE_RANGE_CLOEXEC = 4;
  check(
    syscall(NR.close_range, first, 0xffffffff, CLOSE_RANGE_CLOEXEC),
    () => `close_range(${first}, ~0, CLOEXEC)`,
  );
}

/** close_range(2): all descriptors from `first` up, but those to keep. Linux 5.9. */
export function closeAllBut(kept: readonly number[], first: number): void {
  let from = first;
  for (const fd of [...kept, 0x1_0000_0000].toSorted((one, other) => one - other)) {
    if (fd > from) {
      check(syscall(NR.close_range, from, fd - 1, 0), () => `close_range(${from}, ${fd - 1})`);
    }
    from = Math.max(from, fd + 1);
  }
}

/** fcntl(F_SETFD): lets a descriptor survive execve. */
export function keepOnExec(fd: number): void {
  check(syscall(NR.fcntl, fd, 2, 0), () => `fcntl(${fd}, F_SETFD, 0)`);
}

/** Whether a descriptor is open (fcntl(F_GETFD)). */
export function isOpen(fd: number): boolean {
  return syscall(NR.fcntl, fd, 1) >= 0;
}

/** fcntl(F_SETFL): reads and writes of an open file do not wait: they answer EAGAIN. */
export function setNonBlocking(fd: number): void {
  changeFileFlags(fd, (flags) => flags | O_NONBLOCK);
}

/** fcntl(F_SETFL): reads and writes of an open file wait. */
export function setBlocking(fd: number): void {
  changeFileFlags(fd, (flags) => flags & ~O_NONBLOCK);
}

function changeFileFlags(fd: number, change: (flags: number) => number): void {
  const [F_GETFL, F_SETFL] = [3, 4];
  const flags = check(syscall(NR.fcntl, fd, F_GETFL), () => `fcntl(${fd}, F_GETFL)`);
  const changed = change(flags);
  check(
    syscall(NR.fcntl, fd, F_SETFL, changed),
    () => `fcntl(${fd}, F_SETFL, 0${changed.toString(8)})`,
  );
}

/** dup3(2): `to` becomes a copy of `from` that survives execve. */
export function duplicateTo(from: number, to: number): void {
  check(syscall(NR.dup3, from, to, 0), () => `dup3(${from}, ${to})`);
}

/** fcntl(F_DUPFD_CLOEXEC): a copy numbered `least` or higher. */
export function duplicate(fd: number, least = 3): number {
  return check(syscall(NR.fcntl, fd, 1030, least), () => `fcntl(${fd}, F_DUPFD_CLOEXEC)`);
}

/** readlinkat(2) below a directory. */
export function readLinkAt(directory: number, name: string): string {
  const { address, bytes } = piece(4096);
  const length = check(
    syscall(NR.readlinkat, directory, cstr(name), address, 4096),
    () => `readlinkat(${at(directory)}"${name}")`,
  );
  return bytes.toString("utf8", 0, length);
}

/** read(2) of at most 16 KiB; empty at end-of-file. */
export function readSome(fd: number, length = 16_384): Buffer {
  return copyOf(readIntoPiece(fd, length));
}

/** As {@link readSome}, or the negative errno. */
export function tryReadSome(fd: number, length: number): Buffer | number {
  const { address, bytes } = piece(length);
  const got = retried(NR.read, fd, address, length);
  return got < 0 ? got : copyOf(bytes.subarray(0, got));
}

/** What was read, where the next calls will overwrite it. */
function readIntoPiece(fd: number, length: number): Buffer {
  const { address, bytes } = piece(length);
  const got = check(retried(NR.read, fd, address, length), () => `read(${fd})`);
  return bytes.subarray(0, got);
}

/** Not by Buffer.from, which takes 0.2 ms when it is first called. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Everything from a descriptor to its end, as text. */
export function readText(fd: number): string {
  // Most files are small: what they hold is taken from where it was read.
  const first = readIntoPiece(fd, 4096);
  if (first.length === 0) return "";
  const second = readIntoPiece(fd, 4096);
  if (second.length === 0) return first.toString();
  const parts = [copyOf(first), copyOf(second)];
  for (;;) {
    const some = readSome(fd);
    if (some.length === 0) return Buffer.concat(parts).toString();
    parts.push(some);
  }
}

/** Writes a new file, or one's whole contents anew. */
export function writeFile(path: string, text: string, mode: number): void {
  const fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
  try {
    const bytes = Buffer.alloc(Buffer.byteLength(text));
    bytes.write(text);
    writeAll(fd, bytes);
  } finally {
    closeFd(fd);
  }
}

/** What a path means once every link is followed (realpath(3)). */
export function realPath(path: string): string {
  const fd = open(path, O_PATH);
  try {
    return readLinkAt(AT_FDCWD, `/proc/self/fd/${fd}`);
  } finally {
    closeFd(fd);
  }
}

/** A small file of the kernel's, opened, read and closed. */
export function readFile(path: string): string {
  const fd = open(path, O_RDONLY);
  try {
    return readText(fd);
  } finally {
    closeFd(fd);
  }
}

/** One write(2) of the whole text, as control files of the kernel need; returns 0 or -errno. */
export function tryWriteOnce(fd: number, text: string): number {
  const result = retried(NR.write, fd, cstr(text), Buffer.byteLength(text));
  return Math.min(result, 0);
}

/** One write(2) of what fits; the bytes written, or the negative errno. */
export function tryWriteSome(fd: number, data: Uint8Array): number {
  const { address, bytes } = piece(Math.min(data.length, 16_384));
  bytes.set(data.subarray(0, bytes.length));
  return retried(NR.write, fd, address, bytes.length);
}

/** As many write(2) as it takes. */
export function writeAll(fd: number, data: Uint8Array): void {
  for (let offset = 0; offset < data.length; ) {
    offset += check(tryWriteSome(fd, data.subarray(offset)), () => `write(${fd})`);
  }
}

function retried(nr: number, fd: number, address: number, length: number): number {
  for (;;) {
    const result = syscall(nr, fd, address, length);
    if (result !== -EINTR) return result;
  }
}

/** flock(2), exclusive; waits. The lock is gone with the descriptor. */
export function lockExclusive(fd: number): void {
  const LOCK_EX = 2;
  for (;;) {
    const result = syscall(NR.flock, fd, LOCK_EX);
    if (result !== -EINTR) {
      check(result, () => `flock(${fd}, LOCK_EX)`);
      return;
    }
  }
}

/** As {@link lockExclusive}, if nobody has it; whether that is so. */
export function tryLockExclusive(fd: number): boolean {
  const LOCK_EX_NB = 6;
  return syscall(NR.flock, fd, LOCK_EX_NB) === 0;
}

/** memfd_create(2) of a fixed size in bytes, close-on-exec. */
export function memoryFile(name: string): number {
  const MFD_CLOEXEC = 1;
  return check(syscall(NR.memfd_create, cstr(name), MFD_CLOEXEC), () => "memfd_create()");
}

/** ftruncate(2). */
export function setSize(fd: number, bytes: number): void {
  check(syscall(NR.ftruncate, fd, bytes), () => `ftruncate(${fd}, ${bytes})`);
}

function at(directory: number): string {
  return directory === AT_FDCWD ? "" : `${directory}, `;
}

function flagText(flags: number): string {
  const names = ["O_RDONLY", "O_WRONLY", "O_RDWR"];
  const more = [
    [O_CREAT, "O_CREAT"],
    [O_EXCL, "O_EXCL"],
    [O_DIRECTORY, "O_DIRECTORY"],
    [O_NOFOLLOW, "O_NOFOLLOW"],
    [O_PATH, "O_PATH"],
  ] as const;
  const access = names[flags & 3] ?? "";
  return [access, ...more.filter(([bit]) => (flags & bit) === bit).map(([, name]) => name)].join(
    "|",
  );
}
