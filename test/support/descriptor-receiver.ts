// A program that receives one descriptor on a socket and prints what the kernel says of it.
// Arguments: folder and name of the socket.

import { readFileSync, readlinkSync, writeSync } from "node:fs";
import { AT_FDCWD, O_DIRECTORY, O_PATH, openAt } from "../../runtime/sys/file.ts";
import { accept, listenAt, receiveByte } from "../../runtime/sys/socket.ts";

const [, , folder = "", name = ""] = process.argv;
const socket = listenAt(openAt(AT_FDCWD, folder, O_PATH | O_DIRECTORY), name);
const fd = receiveByte(accept(socket))?.fd ?? -1;
const link = readlinkSync(`/proc/self/fd/${fd}`);
writeSync(1, `${link}\n${readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")}`);
