// Descriptors that a caller wants to pass on.

import { RuntimeError } from "../errors.ts";
import { AT_FDCWD, isOpen, readLinkAt } from "../sys/file.ts";

/** Before anything of ours is opened: a gap would be filled by a descriptor of the program's own. */
export function requireOpen(preserveFds: number): void {
  for (let fd = 3; fd < 3 + preserveFds; fd++) {
    if (
      !isOpen(fd) ||
      /^anon_inode:\[(eventpoll|eventfd|timerfd)\]$/.test(
        readLinkAt(AT_FDCWD, `/proc/self/fd/${fd}`),
      )
    ) {
      throw new RuntimeError(`descriptor ${fd} is to be preserved and is not open`);
    }
  }
}
