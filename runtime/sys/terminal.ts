// Pseudo-terminals and terminal modes: ioctl_tty(2), pty(7).

import { O_CLOEXEC, O_NOCTTY, O_RDWR } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCSCTTY = 0x540e;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TIOCGSID = 0x5429;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const TIOCGPTPEER = 0x5441;
const TERMIOS_BYTES = 36;

/** Unlocks a pty master (unlockpt(3)) and tells its number (ptsname(3)). */
export function unlockTerminal(master: number): number {
  const value = piece(8);
  check(syscall(NR.ioctl, master, TIOCSPTLCK, value.address), () => `ioctl(${master}, TIOCSPTLCK)`);
  check(syscall(NR.ioctl, master, TIOCGPTN, value.address), () => `ioctl(${master}, TIOCGPTN)`);
  return value.bytes.readInt32LE(0);
}

/** ioctl(TIOCGPTPEER): the slave of a master, without a path anyone could swap. Linux 4.13. */
export function openPeer(master: number): number {
  return check(
    syscall(NR.ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC),
    () => `ioctl(${master}, TIOCGPTPEER)`,
  );
}

/** ioctl(TIOCSCTTY): makes a terminal the controlling one of this session. */
export function takeTerminal(fd: number): void {
  check(syscall(NR.ioctl, fd, TIOCSCTTY, 0), () => `ioctl(${fd}, TIOCSCTTY)`);
}

/** Whether a descriptor is a terminal (isatty(3)). */
export function isTerminal(fd: number): boolean {
  return syscall(NR.ioctl, fd, TCGETS, piece(64).address) === 0;
}

/** Whether a terminal is the controlling one of this process (tcgetsid(3)). */
export function isControlling(fd: number): boolean {
  return syscall(NR.ioctl, fd, TIOCGSID, piece(8).address) === 0;
}

/** ioctl(TIOCSWINSZ), in characters. */
export function setWindowSize(fd: number, size: { height: number; width: number }): void {
  const { address, bytes } = piece(8);
  bytes.writeUInt16LE(size.height, 0);
  bytes.writeUInt16LE(size.width, 2);
  check(syscall(NR.ioctl, fd, TIOCSWINSZ, address), () => `ioctl(${fd}, TIOCSWINSZ)`);
}

/** The size of a terminal's window; undefined for what is no terminal, or has no size. */
export function windowSize(fd: number): { height: number; width: number } | undefined {
  const { address, bytes } = piece(8);
  if (syscall(NR.ioctl, fd, TIOCGWINSZ, address) < 0) return undefined;
  const [height, width] = [bytes.readUInt16LE(0), bytes.readUInt16LE(2)];
  return height === 0 && width === 0 ? undefined : { height, width };
}

/** Gives `to` the window size of `from`, if `from` has one. */
export function copyWindowSize(from: number, to: number): void {
  const { address } = piece(8);
  if (syscall(NR.ioctl, from, TIOCGWINSZ, address) < 0) return;
  check(syscall(NR.ioctl, to, TIOCSWINSZ, address), () => `ioctl(${to}, TIOCSWINSZ)`);
}

/** Terminal modes, as the kernel keeps them. */
export type TerminalModes = Buffer;

/** The modes of a terminal (ioctl(TCGETS)). */
export function modesOf(fd: number): TerminalModes {
  const { address, bytes } = piece(64);
  check(syscall(NR.ioctl, fd, TCGETS, address), () => `ioctl(${fd}, TCGETS)`);
  return Buffer.from(bytes.subarray(0, TERMIOS_BYTES));
}

/** The same modes, made raw: every byte goes through as it is, at once (cfmakeraw(3)). */
export function rawModes(modes: TerminalModes): TerminalModes {
  const IGNBRK_TO_IXON = 0o2753;
  const OPOST = 1;
  const ECHO_ECHONL_ICANON_ISIG_IEXTEN = 0o100113;
  const CSIZE_PARENB = 0o460;
  const CS8 = 0o60;
  const [VTIME, VMIN] = [17 + 5, 17 + 6];
  const raw = Buffer.from(modes);
  raw.writeUInt32LE((raw.readUInt32LE(0) & ~IGNBRK_TO_IXON) >>> 0, 0);
  raw.writeUInt32LE((raw.readUInt32LE(4) & ~OPOST) >>> 0, 4);
  raw.writeUInt32LE(((raw.readUInt32LE(8) & ~CSIZE_PARENB) | CS8) >>> 0, 8);
  raw.writeUInt32LE((raw.readUInt32LE(12) & ~ECHO_ECHONL_ICANON_ISIG_IEXTEN) >>> 0, 12);
  raw[VTIME] = 0;
  raw[VMIN] = 1;
  return raw;
}

/** Sets the modes of a terminal (ioctl(TCSETS)); returns 0 or the negative errno. */
export function trySetModes(fd: number, modes: TerminalModes): number {
  const { address, bytes } = piece(64);
  bytes.set(modes);
  return syscall(NR.ioctl, fd, TCSETS, address);
}
