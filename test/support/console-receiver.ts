// A program that does what callers of `create --console-socket` do: listens, receives the master
// of the terminal, types a text into it and copies what the terminal shows to standard output.
// Arguments: folder and name of the socket, text to type.

import { writeSync } from "node:fs";
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_PATH,
  openAt,
  readSome,
  writeAll,
} from "../../runtime/sys/file.ts";
import { accept, listenAt, receiveByte } from "../../runtime/sys/socket.ts";
import { isTerminal } from "../../runtime/sys/terminal.ts";

const [, , folder = "", name = "", text = ""] = process.argv;
const socket = listenAt(openAt(AT_FDCWD, folder, O_PATH | O_DIRECTORY), name);
writeSync(1, "listening\n");
const received = receiveByte(accept(socket));
const master = received?.fd;
if (master === undefined || !isTerminal(master)) {
  writeSync(1, "no terminal came\n");
  process.exit(1);
}
writeSync(1, "received\n");
writeAll(master, Buffer.from(text));
copyUntilClosed(master);

/** Reading a master whose last slave is closed is EIO. */
function copyUntilClosed(fd: number): void {
  for (;;) {
    try {
      const some = readSome(fd);
      if (some.length === 0) return;
      writeSync(1, some);
    } catch (error) {
      if (error instanceof Error && /input\/output error/i.test(error.message)) return;
      throw error;
    }
  }
}
