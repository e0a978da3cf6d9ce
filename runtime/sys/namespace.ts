// Namespaces and what belongs to one: setns, unshare, host name, root and working directory.

import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

/** setns(2) into the namespace behind a descriptor, of that CLONE_NEW* type; 0 or -errno. */
export function tryJoinNamespace(fd: number, type: number): number {
  return syscall(NR.setns, fd, type);
}

/** unshare(2). */
export function unshare(flags: number): void {
  check(syscall(NR.unshare, flags), () => `unshare(0x${flags.toString(16)})`);
}

/** ioctl(NS_GET_NSTYPE): the CLONE_NEW* type of a namespace descriptor, or the negative errno. 4.11. */
export function namespaceType(fd: number): number {
  const NS_GET_NSTYPE = 0xb703;
  return syscall(NR.ioctl, fd, NS_GET_NSTYPE, 0);
}

/** sethostname(2). */
export function setHostname(name: string): void {
  check(
    syscall(NR.sethostname, cstr(name), Buffer.byteLength(name)),
    () => `sethostname("${name}")`,
  );
}

/** setdomainname(2). */
export function setDomainname(name: string): void {
  check(
    syscall(NR.setdomainname, cstr(name), Buffer.byteLength(name)),
    () => `setdomainname("${name}")`,
  );
}

/** fchdir(2). */
export function changeDirectory(fd: number): void {
  check(tryChangeDirectory(fd), () => `fchdir(${fd})`);
}

/** fchdir(2), returning 0 or the negative errno. */
export function tryChangeDirectory(fd: number): number {
  return syscall(NR.fchdir, fd);
}

/** chroot(2). */
export function changeRoot(path: string): void {
  check(syscall(NR.chroot, cstr(path)), () => `chroot("${path}")`);
}

/** getcwd(2) as the kernel says it: "(unreachable)/…" when it is outside of the root. */
export function workingDirectory(): string {
  const { address, bytes } = piece(4096);
  const length = check(syscall(NR.getcwd, address, 4096), () => "getcwd()");
  return bytes.toString("utf8", 0, length - 1);
}

/** Brings up a network interface of the current namespace: ioctl(SIOCSIFFLAGS). */
export function bringUp(name: string): void {
  const AF_INET = 2;
  const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
  const SIOCGIFFLAGS = 0x8913;
  const SIOCSIFFLAGS = 0x8914;
  const IFF_UP = 1;
  const socket = check(
    syscall(NR.socket, AF_INET, SOCK_DGRAM_CLOEXEC, 0),
    () => "socket(AF_INET, SOCK_DGRAM)",
  );
  const request = piece(40);
  request.bytes.write(name, 0, 15);
  const describe = (): string => `ioctl(SIOCSIFFLAGS, "${name}")`;
  check(syscall(NR.ioctl, socket, SIOCGIFFLAGS, request.address), describe);
  request.bytes.writeInt16LE(request.bytes.readInt16LE(16) | IFF_UP, 16);
  check(syscall(NR.ioctl, socket, SIOCSIFFLAGS, request.address), describe);
  syscall(NR.close, socket);
}

/** keyctl(KEYCTL_JOIN_SESSION_KEYRING): a new session keyring; returns its id or -errno. */
export function tryJoinSessionKeyring(name: string): number {
  const KEYCTL_JOIN_SESSION_KEYRING = 1;
  return syscall(NR.keyctl, KEYCTL_JOIN_SESSION_KEYRING, cstr(name));
}

/** keyctl(KEYCTL_DESCRIBE) and KEYCTL_SETPERM: adds permissions to a key; 0 or -errno. */
export function tryAddKeyPermissions(key: number, permissions: number): number {
  const KEYCTL_SETPERM = 5;
  const KEYCTL_DESCRIBE = 6;
  const { address, bytes } = piece(512);
  const length = syscall(NR.keyctl, KEYCTL_DESCRIBE, key, address, 512);
  if (length < 0) return length;
  // "keyring;UID;GID;PERMISSIONS;NAME"
  const old = Number.parseInt(bytes.toString("latin1", 0, length).split(";")[3] ?? "", 16);
  return syscall(NR.keyctl, KEYCTL_SETPERM, key, (old | permissions) >>> 0);
}
