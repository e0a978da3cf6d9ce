// The end of a whole family: whatever a program has started, in whatever session or process group.

import { ENOENT, ESRCH } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { openProc } from "../ops/proc.ts";
import { entriesOf } from "../sys/directory.ts";
import { closeFd, O_DIRECTORY, O_PATH, O_RDONLY, open, openAt, readText } from "../sys/file.ts";
import { getPid, reapEnded, SIGKILL, sleep, tryKill } from "../sys/process.ts";

/** Someone else's by now, such as a set-user-ID program, does not take a signal from everyone. */
const PATIENCE_MS = 5_000;

/**
 * Kills this process's children until none is left. As a subreaper (PR_SET_CHILD_SUBREAPER) it gets
 * the children of those that it kills, and kills them in turn; none can escape by forking.
 */
export function killChildren(): void {
  const proc = ownProc();
  const endMs = performance.now() + PATIENCE_MS;
  while (reapEnded() && performance.now() < endMs) {
    if (proc !== undefined) for (const pid of childrenIn(proc)) tryKill(pid, SIGKILL);
    sleep(1);
  }
  if (proc !== undefined) closeFd(proc);
}

/** A procfs that has this process's pids: a new one, or where that is forbidden /proc, if it has. */
function ownProc(): number | undefined {
  try {
    return openProc();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
  const proc = open("/proc", O_PATH | O_DIRECTORY);
  if (/^NSpid:\t(\d+)$/m.test(textIn(proc, "self/status"))) return proc;
  closeFd(proc);
  return undefined;
}

function childrenIn(proc: number): number[] {
  const directory = openAt(proc, ".", O_RDONLY | O_DIRECTORY);
  const pids = entriesOf(directory).map(({ name }) => Number(name));
  closeFd(directory);
  const parent = new RegExp(`\\) . ${getPid()} [^)]*$`);
  return pids.filter((pid) => pid > 0 && parent.test(textIn(proc, `${pid}/stat`)));
}

/** A file of a process, "" when the process is gone. */
function textIn(proc: number, path: string): string {
  try {
    const fd = openAt(proc, path, O_RDONLY);
    try {
      return readText(fd);
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (error instanceof SyscallError && [ENOENT, ESRCH].includes(error.errno)) return "";
    throw error;
  }
}
