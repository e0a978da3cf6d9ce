// The container's terminal: a pty of its own devpts, the slave for the program, the master for
// whoever called.

import { ENOENT } from "../errno.ts";
import { RuntimeError, SyscallError, withHint } from "../errors.ts";
import { tryChangeOwner } from "../sys/entry.ts";
import {
  closeFd,
  duplicateTo,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_WRONLY,
  openAt,
  tryOpenInRoot,
} from "../sys/file.ts";
import { cloneTree, moveMount } from "../sys/mount.ts";
import { connect, sendMessage } from "../sys/socket.ts";
import { filesystemMagic, S_IFLNK, S_IFMT, statusAt, statusOf } from "../sys/status.ts";
import { openPeer, setWindowSize, takeTerminal, unlockTerminal } from "../sys/terminal.ts";
import { defineOp } from "./op.ts";
import { openParent } from "./path.ts";

const DEVPTS_SUPER_MAGIC = 0x1cd1;
const NO_DEVPTS =
  "a terminal takes a devpts on /dev/pts (hint: add a mount of type devpts to the configuration)";

interface Terminal {
  uid: number;
  /** Rows and columns; null leaves the kernel's 0, 0. */
  size: { height: number; width: number } | null;
}

/**
 * A pty from the container's own devpts (pty(7)), its slave opened by TIOCGPTPEER and not by a path
 * that could be swapped (CVE-2025-52565).
 */
export const openTerminal = defineOp<Terminal>({
  name: "terminal.open",
  print: () => "/dev/pts/ptmx →$terminal →$console",
  run: ({ uid, size }, { slots }) => {
    const master = tryOpenInRoot(slots.get("$root"), "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    if (master === -ENOENT) throw new RuntimeError(NO_DEVPTS);
    if (master < 0) throw new SyscallError('openat2("/dev/pts/ptmx", O_RDWR)', -master);
    slots.put("$console", master);
    if (filesystemMagic(master) !== DEVPTS_SUPER_MAGIC) throw new RuntimeError(NO_DEVPTS);
    unlockTerminal(master);
    if (size !== null) setWindowSize(master, size);
    const slave = openPeer(master);
    slots.put("$terminal", slave);
    tryChangeOwner(slave, uid, 0xffffffff);
  },
});

/** The slave as /dev/console, which is what programs open that look for one. */
export const mountConsole = defineOp<Record<string, never>>({
  name: "terminal.console",
  print: () => "$terminal on /dev/console",
  run: (_args, { slots }) => {
    const { parent, name } = openParent(slots.get("$root"), "/dev/console");
    const target = openOrMakeFile(parent, name);
    closeFd(parent);
    const tree = cloneTree(slots.get("$terminal"), "", "single");
    moveMount(tree, target);
    closeFd(tree);
    closeFd(target);
  },
});

/** The image's /dev/console is no link to anywhere (CVE-2025-52565). */
function openOrMakeFile(parent: number, name: string): number {
  if (typeof statusAt(parent, name) === "number") {
    closeFd(openAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644));
  }
  const fd = openAt(parent, name, O_PATH | O_NOFOLLOW);
  if ((statusOf(fd).mode & S_IFMT) === S_IFLNK) {
    throw new RuntimeError("/dev/console of the root filesystem is a symbolic link");
  }
  return fd;
}

/**
 * Makes the slave the standard streams and, unless the session is one that a later clone makes, the
 * controlling terminal.
 */
export const takeConsole = defineOp<{ controls: boolean }>({
  name: "terminal.take",
  print: () => "$terminal as stdin, stdout, stderr",
  gives: () => "$console",
  run: ({ controls }, { slots }) => {
    const slave = slots.get("$terminal");
    if (controls) takeTerminal(slave);
    for (const fd of [0, 1, 2]) duplicateTo(slave, fd);
    slots.close("$terminal");
  },
});

/** Connects to the socket that the caller wants the master on, before anything is made. */
export const connectConsole = defineOp<{ path: string }>({
  name: "console.connect",
  print: ({ path }) => `${path} →$console-socket`,
  run: ({ path }, { slots }) => {
    try {
      slots.put("$console-socket", connect(path));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw withHint(error, "whoever is to have the terminal listens on that socket before");
    }
  },
});

/** Sends the master: one message, the name as its text, the descriptor beside it. */
export const sendConsole = defineOp<Record<string, never>>({
  name: "console.send",
  print: () => "$console to $console-socket",
  run: (_args, { slots }) => {
    sendMessage(slots.get("$console-socket"), Buffer.from("/dev/ptmx"), slots.get("$console"));
    slots.close("$console-socket");
    slots.close("$console");
  },
});

/** Keeps the master for a `run` that stays in the foreground. */
export const keepConsole = defineOp<Record<string, never>>({
  name: "console.keep",
  print: () => "$console",
  run: (_args, { slots }) => {
    slots.get("$console");
  },
});
