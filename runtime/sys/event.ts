// Descriptors that the kernel makes readable when something has happened.

import { O_CLOEXEC, O_NONBLOCK } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

/** eventfd(2): a counter, which {@link takeEvents} sets back; does not wait. */
export function openEventFd(): number {
  return check(syscall(NR.eventfd2, 0, O_CLOEXEC | O_NONBLOCK), () => "eventfd2()");
}

/** How often an eventfd was written to since it was last asked. */
export function takeEvents(fd: number): number {
  const { address, bytes } = piece(8);
  return syscall(NR.read, fd, address, 8) === 8 ? Number(bytes.readBigUInt64LE(0)) : 0;
}

/** inotify(7) for changes of one file's contents; does not wait. */
export function watchFile(path: string): number {
  const IN_MODIFY = 2;
  const fd = check(syscall(NR.inotify_init1, O_CLOEXEC | O_NONBLOCK), () => "inotify_init1()");
  check(
    syscall(NR.inotify_add_watch, fd, cstr(path), IN_MODIFY),
    () => `inotify_add_watch("${path}", IN_MODIFY)`,
  );
  return fd;
}

/** Takes what an inotify descriptor has to tell, so that it is readable for news alone. */
export function takeChanges(fd: number): void {
  const { address } = piece(4096);
  while (syscall(NR.read, fd, address, 4096) > 0);
}
