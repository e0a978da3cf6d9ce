// The real machine, as `doctor` asks it.

import { EFAULT } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { listDirectory } from "../sys/directory.ts";
import { AT_FDCWD, closeFd, O_PATH, open, readFile } from "../sys/file.ts";
import { unshare } from "../sys/namespace.ts";
import { askForAction, askForFilterFlags, CALLS } from "../sys/questions.ts";
import { statusAt, tryAccess } from "../sys/status.ts";
import type { Machine } from "./machine.ts";

const W_OK = 2;

/** @param root absolute path of the state root; throws a RuntimeError where there is none */
export function thisMachine(root: () => string): Machine {
  const texts = new Map<string, string | undefined>();
  return {
    uid: process.geteuid?.() ?? 0,
    architecture: process.arch === "x64" ? "x86_64" : process.arch,
    root,
    // Kept, so that what a process is told of itself is of the time before it changed.
    text: (path) => {
      if (!texts.has(path))
        texts.set(
          path,
          orNothing(() => readFile(path)),
        );
      return texts.get(path);
    },
    names: (path) => orNothing(() => listDirectory(path).map(({ name }) => name)),
    status: (path) => {
      const status = statusAt(AT_FDCWD, path, 0);
      return typeof status === "number" ? undefined : { mode: status.mode, uid: status.uid };
    },
    isWritable: (path) => orNothing(() => isWritable(path)) ?? false,
    answers: (call) => Math.max(0, -CALLS[call]()),
    hasAction: (action) => askForAction(action) === 0,
    hasFilterFlags: (flags) => askForFilterFlags(flags) === -EFAULT,
    unshare: (flags) => errnoOf(() => unshare(flags)),
  };
}

function isWritable(path: string): boolean {
  const fd = open(path, O_PATH);
  try {
    return tryAccess(fd, W_OK) === 0;
  } finally {
    closeFd(fd);
  }
}

function errnoOf(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    if (error instanceof SyscallError) return error.errno;
    throw error;
  }
}

/** What is not there, or not for this caller, is an answer and no error. */
function orNothing<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}
