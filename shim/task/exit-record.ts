// What a shim leaves in a bundle for whoever cleans up after it was killed.

import { RuntimeError, SyscallError } from "../../runtime/errors.ts";
import { rename } from "../../runtime/sys/directory.ts";
import { tryUnlinkAt } from "../../runtime/sys/entry.ts";
import { AT_FDCWD, readFile, writeFile } from "../../runtime/sys/file.ts";
import type { House } from "./house.ts";
import type { Exit, Task } from "./task.ts";

const NAME = "runt.json";

/** Seconds and nanoseconds since 1970, the first as text because it has 64 bits. */
interface ExitRecord {
  root: string;
  pid: number;
  exit?: { status: number; seconds: string; nanos: number };
}

/** Where the runtime keeps the container; written before there is anything to clean up. */
export function writeTask(house: House, { bundle, root, init }: Task): void {
  write(house, bundle, { root, pid: init.pid });
}

export function writeExit(house: House, { bundle, root, init }: Task, { status, at }: Exit): void {
  const { seconds, nanos } = at;
  write(house, bundle, { root, pid: init.pid, exit: { status, seconds: `${seconds}`, nanos } });
}

function write({ log }: House, bundle: string, record: ExitRecord): void {
  const path = `${bundle}/${NAME}`;
  try {
    writeFile(`${path}.new`, JSON.stringify(record), 0o600);
    rename(`${path}.new`, path);
  } catch (error) {
    // A full disk must not keep an exit from being told.
    if (!(error instanceof RuntimeError)) throw error;
    log.warn(`cannot write ${path}: ${error.message}`);
  }
}

/** Nothing is left to clean up. */
export function removeRecord({ bundle }: Task): void {
  tryUnlinkAt(AT_FDCWD, `${bundle}/${NAME}`);
}

/** Undefined when no shim of ours has come so far. */
export function readExitRecord(bundle: string): ExitRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFile(`${bundle}/${NAME}`));
    return isRecord(record) ? record : undefined;
  } catch (error) {
    const ENOENT = 2;
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof SyscallError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is ExitRecord {
  return typeof value === "object" && value !== null && "root" in value && "pid" in value;
}
