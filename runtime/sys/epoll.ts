// epoll(7): waiting for any of many descriptors, level-triggered.

import { EINTR, EPERM } from "../errno.ts";
import { O_CLOEXEC } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";

export const EPOLLIN = 1;
export const EPOLLOUT = 4;
/** Reported whether it was asked for or not. */
export const EPOLLERR = 8;
export const EPOLLHUP = 16;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EVENT_BYTES = 12;

/** epoll_create1(2). */
export function openEpoll(): number {
  return check(syscall(NR.epoll_create1, O_CLOEXEC), () => "epoll_create1()");
}

/**
 * epoll_ctl(EPOLL_CTL_ADD): from now on `events` of a descriptor are told.
 * @returns false for what cannot be waited for, such as a regular file (EPERM)
 */
export function tryAddInterest(epoll: number, fd: number, events: number): boolean {
  const result = tryControl(epoll, EPOLL_CTL_ADD, { fd, events });
  if (result !== -EPERM) check(result, () => `epoll_ctl(${epoll}, EPOLL_CTL_ADD, ${fd})`);
  return result === 0;
}

/** epoll_ctl(EPOLL_CTL_MOD). */
export function changeInterest(epoll: number, fd: number, events: number): void {
  control(epoll, EPOLL_CTL_MOD, { fd, events });
}

/** epoll_ctl(EPOLL_CTL_DEL); to be called before the descriptor is closed. */
export function removeInterest(epoll: number, fd: number): void {
  control(epoll, EPOLL_CTL_DEL, { fd, events: 0 });
}

function control(epoll: number, operation: number, ready: Ready): void {
  const result = tryControl(epoll, operation, ready);
  check(result, () => `epoll_ctl(${epoll}, ${operation}, ${ready.fd})`);
}

function tryControl(epoll: number, operation: number, { fd, events }: Ready): number {
  const { address, bytes } = piece(EVENT_BYTES);
  bytes.writeUInt32LE(events, 0);
  bytes.writeInt32LE(fd, 4);
  return syscall(NR.epoll_ctl, epoll, operation, fd, address);
}

/** A descriptor, and what has happened to it. */
export interface Ready {
  fd: number;
  events: number;
}

/** epoll_wait(2). Returns nobody when `timeoutMs` has passed, or a signal came; -1 waits for ever. */
export function waitForInterests(epoll: number, timeoutMs: number): Ready[] {
  const READY_MAX = 64;
  const { address, bytes } = piece(READY_MAX * EVENT_BYTES);
  const count = syscall(NR.epoll_wait, epoll, address, READY_MAX, timeoutMs);
  if (count === -EINTR) return [];
  check(count, () => `epoll_wait(${epoll})`);
  return Array.from({ length: count }, (_, index) => ({
    events: bytes.readUInt32LE(index * EVENT_BYTES),
    fd: bytes.readInt32LE(index * EVENT_BYTES + 4),
  }));
}
