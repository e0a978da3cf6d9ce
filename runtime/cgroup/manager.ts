// Cgroup directories of containers: making, joining and removing them, and who is in them.

import { EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, ENOTEMPTY, EOPNOTSUPP, EROFS } from "../errno.ts";
import { RuntimeError, SyscallError, withHint } from "../errors.ts";
import { listDirectory } from "../sys/directory.ts";
import { AT_REMOVEDIR, tryMakeDirectoryAt, tryUnlinkAt } from "../sys/entry.ts";
import { AT_FDCWD, readFile } from "../sys/file.ts";
import { exists, writeControl } from "./files.ts";

/** Why a cgroup beside threaded ones has neither processes nor most controllers. */
export const THREADED =
  "a cgroup above it is threaded, and has no processes but its own: take another place";

/** Why a cgroup of v2 takes no process (cgroup-v2.rst, "Threads" and "No Internal Process Constraint"). */
const NO_PROCESSES: Readonly<Record<number, string>> = {
  [EOPNOTSUPP]: THREADED,
  [EBUSY]: "it passes controllers on to cgroups below it, and only those may have processes",
};

/** How many of the processes that keep a cgroup from going an error names. */
const NAMED_MAX = 5;

/** The levels of a cgroup directory that do not exist yet, the topmost first. */
export function missingDirectories(directory: string): string[] {
  const missing: string[] = [];
  for (let level = directory; !exists(level); level = parentOf(level)) missing.unshift(level);
  return missing;
}

/**
 * Makes a cgroup with the levels above it. One that is there already is taken if it is at rest.
 * @throws RuntimeError if processes are in it or it is frozen, SyscallError if it cannot be made.
 */
export function makeCgroup(directory: string): void {
  const result = makeLevels(directory);
  if (result === 0) return;
  if (result !== -EEXIST) throw new SyscallError(`mkdir("${directory}")`, -result);
  const count = cgroupPids(directory).length;
  if (count > 0) {
    throw new RuntimeError(
      `container's cgroup is not empty: ${count} process(es) found in ${directory}`,
    );
  }
  if (isFrozen(directory)) {
    throw new RuntimeError(`container's cgroup unexpectedly frozen: ${directory}`);
  }
}

/** mkdir -p. Returns 0, -EEXIST or another negative errno. */
function makeLevels(directory: string): number {
  const result = tryMakeDirectoryAt(AT_FDCWD, directory, 0o755);
  if (result !== -ENOENT || directory === "") return result;
  const above = makeLevels(parentOf(directory));
  if (above !== 0 && above !== -EEXIST) return above;
  return tryMakeDirectoryAt(AT_FDCWD, directory, 0o755);
}

function isFrozen(directory: string): boolean {
  const v1 = `${directory}/freezer.state`;
  if (exists(v1)) return readFile(v1).trim() !== "THAWED";
  const v2 = `${directory}/cgroup.freeze`;
  return exists(v2) && readFile(v2).trim() === "1";
}

/**
 * Moves a process into a cgroup. EINVAL is tried again for 150 ms: v1 answers so for moments while
 * the cgroup or the process is still being set up.
 * @throws SyscallError, or RuntimeError with a hint where a cgroup of v2 takes no process
 */
export function joinCgroup(directory: string, pid: number): void {
  for (let attempt = 1; ; attempt++) {
    try {
      writeControl(`${directory}/cgroup.procs`, `${pid}`);
      return;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errno !== EINVAL || attempt === 5) throw withHint(error, NO_PROCESSES[error.errno]);
      Bun.sleepSync(30);
    }
  }
}

/**
 * Pids of the processes in a cgroup and the cgroups below it, none if it is gone. Processes of
 * other pid namespaces, which have no number here, are left out.
 */
export function cgroupPids(directory: string): number[] {
  const own = readProcs(directory)
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
  return own.concat(childCgroups(directory).flatMap(cgroupPids));
}

/** A cgroup can vanish at any time, also while it is read; a threaded one of v2 has no processes. */
function readProcs(directory: string): string {
  try {
    return readFile(`${directory}/cgroup.procs`);
  } catch (error) {
    if (error instanceof SyscallError && [ENOENT, ENODEV, EOPNOTSUPP].includes(error.errno)) {
      return "";
    }
    throw error;
  }
}

/** Directories of the cgroups right below one; none if it is gone. */
export function childCgroups(directory: string): string[] {
  if (!exists(directory)) return [];
  return listDirectory(directory)
    .filter((entry) => entry.isDirectory)
    .map((entry) => `${directory}/${entry.name}`);
}

/**
 * Removes a cgroup with the cgroups below it; one that is gone is fine. The kernel answers EBUSY
 * until the last process has really ended, so this waits up to a second in growing steps.
 * @throws RuntimeError if processes are still in it, SyscallError if it cannot be removed.
 */
export function removeCgroup(directory: string): void {
  let result = tryRemoveTree(directory);
  for (let delayMs = 1; isBusy(result) && delayMs < 1024; delayMs *= 2) {
    Bun.sleepSync(delayMs);
    result = tryRemoveTree(directory);
  }
  if (result === 0) return;
  const pids = cgroupPids(directory);
  const count = pids.length;
  if (isBusy(result) && count > 0) {
    const who = pids.slice(0, NAMED_MAX).map(processName).join(", ");
    const more = count > NAMED_MAX ? ` and ${count - NAMED_MAX} more` : "";
    throw new RuntimeError(
      `cannot remove cgroup ${directory}: ${count} process(es) are in it: ${who}${more}`,
    );
  }
  throw new SyscallError(`rmdir("${directory}")`, -result);
}

/** Such as `42 (sleep)`. */
function processName(pid: number): string {
  try {
    return `${pid} (${readFile(`/proc/${pid}/comm`).trim()})`;
  } catch (error) {
    // It has just ended.
    if (error instanceof SyscallError) return `${pid}`;
    throw error;
  }
}

/** Returns 0 or a negative errno. */
function tryRemoveTree(directory: string): number {
  const result = tryRemoveEmpty(directory);
  if (!isBusy(result)) return result;
  for (const child of childCgroups(directory)) {
    const below = tryRemoveTree(child);
    if (below !== 0) return below;
  }
  return tryRemoveEmpty(directory);
}

/** rmdir(2) of a cgroup without children, 0 also if it is gone. Returns the negative errno. */
export function tryRemoveEmpty(directory: string): number {
  const result = tryUnlinkAt(AT_FDCWD, directory, AT_REMOVEDIR);
  // A read-only filesystem says so before it looks.
  const isGone = result === -ENOENT || (result === -EROFS && !exists(directory));
  return isGone ? 0 : result;
}

function isBusy(result: number): boolean {
  return result === -EBUSY || result === -ENOTEMPTY;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
