// Classes of service and monitoring groups in a mounted resctrl filesystem (Linux 4.10 and later).

import { writeControl } from "../cgroup/files.ts";
import { tryRemoveEmpty } from "../cgroup/manager.ts";
import { EEXIST } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { tryMakeDirectoryAt } from "../sys/entry.ts";
import {
  AT_FDCWD,
  closeFd,
  lockExclusive,
  O_DIRECTORY,
  O_RDONLY,
  open,
  readFile,
} from "../sys/file.ts";
import { defineOp } from "./op.ts";
import { schemataDifferences } from "./schemata.ts";

interface Class {
  /** Where resctrl is mounted. */
  mount: string;
  directory: string;
  /** Lines for the schemata file, one write an entry. */
  writes: readonly (readonly string[])[];
  /** What is done with the schemata of a class that is there already. */
  existing: "write" | "compare";
  /** Whether the class is the container's alone, and was not there when the plan was made. */
  removes: boolean;
}

/**
 * A class of service with its schemata. resctrl's writers hold a lock on its root, so that nobody
 * finds a class that has been made and not been written yet.
 */
export const makeClass = defineOp<Class>({
  name: "rdt.class",
  print: ({ directory, writes }) => [directory, ...writes.flat()].join(" "),
  run: ({ mount, directory, writes, existing }, { found }) => {
    const lock = open(mount, O_RDONLY | O_DIRECTORY);
    lockExclusive(lock);
    try {
      const isNew = make(mount, directory);
      if (isNew) found.set(madeKey(directory), directory);
      if (isNew || existing === "write") {
        for (const lines of writes) write(mount, `${directory}/schemata`, `${lines.join("\n")}\n`);
      } else requireSame(directory, writes.flat());
    } finally {
      closeFd(lock);
    }
  },
  undo: ({ directory, removes }) => {
    if (removes) remove(directory);
  },
  // A class with a name of its own is left to others by `delete`, but not by a create that failed.
  takeBack: ({ directory }, { found }) => {
    if (found.has(madeKey(directory))) remove(directory);
  },
});

interface Group {
  mount: string;
  directory: string;
  /** Whether it was not there when the plan was made. */
  removes: boolean;
}

/** A monitoring group of the container's own. */
export const makeGroup = defineOp<Group>({
  name: "rdt.group",
  print: ({ directory }) => directory,
  run: ({ mount, directory }, { found }) => {
    if (!make(mount, directory)) throw new RuntimeError(`${directory} exists already`);
    found.set(madeKey(directory), directory);
  },
  undo: ({ directory, removes }) => {
    if (removes) remove(directory);
  },
  // Before its class goes.
  takeBack: ({ directory }, { found }) => {
    if (found.has(madeKey(directory))) remove(directory);
  },
});

/** Other schemata for a class that is there; those that it had come back when the update fails. */
export const changeSchemata = defineOp<{
  mount: string;
  directory: string;
  lines: readonly string[];
}>({
  name: "rdt.schemata",
  print: ({ directory, lines }) => [directory, ...lines].join(" "),
  run: ({ mount, directory, lines }, { found }) => {
    const path = `${directory}/schemata`;
    found.set(`schemata ${directory}`, readFile(path));
    write(mount, path, `${lines.join("\n")}\n`);
  },
  takeBack: ({ mount, directory }, { found }) => {
    const former = found.get(`schemata ${directory}`);
    if (former !== undefined) write(mount, `${directory}/schemata`, former);
  },
});

/** Moves init, which has one thread. */
export const joinClass = defineOp<{ mount: string; directory: string }>({
  name: "rdt.join",
  print: ({ directory }) => `$init → ${directory}`,
  run: ({ mount, directory }, context) =>
    write(mount, `${directory}/tasks`, `${context.initPid()}`),
});

function madeKey(directory: string): string {
  return `made ${directory}`;
}

/** mkdir(2); false when it is there. */
function make(mount: string, directory: string): boolean {
  const result = tryMakeDirectoryAt(AT_FDCWD, directory, 0o755);
  if (result === -EEXIST) return false;
  if (result < 0) throw explained(mount, new SyscallError(`mkdir("${directory}")`, -result));
  return true;
}

function remove(directory: string): void {
  const result = tryRemoveEmpty(directory);
  if (result < 0) throw new SyscallError(`rmdir("${directory}")`, -result);
}

function write(mount: string, path: string, text: string): void {
  try {
    writeControl(path, text);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw explained(mount, error);
  }
}

/** The kernel tells more than an errno in a file of its own. */
function explained(mount: string, error: SyscallError): RuntimeError {
  try {
    const status = readFile(`${mount}/info/last_cmd_status`).trim();
    return status === "" || status === "ok"
      ? error
      : new RuntimeError(`${error.message}: ${status}`);
  } catch (unread) {
    if (!(unread instanceof SyscallError)) throw unread;
    return error;
  }
}

function requireSame(directory: string, wanted: readonly string[]): void {
  const differences = schemataDifferences(readFile(`${directory}/schemata`), wanted);
  if (differences.length === 0) return;
  throw new RuntimeError(`${directory} is there with other schemata: ${differences.join(", ")}`);
}
