// The cgroup that the runtime's options want the shim itself in.

import { ENOENT } from "../../runtime/errno.ts";
import { RuntimeError, SyscallError } from "../../runtime/errors.ts";
import { probeHost } from "../../runtime/host/probe.ts";
import { writeFile } from "../../runtime/sys/file.ts";

/**
 * Moves a shim into a cgroup, in each hierarchy that has it.
 * @param path from the root of a hierarchy
 * @throws RuntimeError when no hierarchy has it: nobody would remove one that we made
 */
export function joinShimCgroup(path: string, pid: number): void {
  const { hierarchies } = probeHost().cgroup;
  const joined = hierarchies.filter(({ mount }) => tryJoin(`${mount}/${path}`, pid));
  if (joined.length === 0) {
    throw new RuntimeError(`there is no cgroup ${path}, which option ShimCgroup names`);
  }
}

function tryJoin(directory: string, pid: number): boolean {
  try {
    writeFile(`${directory}/cgroup.procs`, `${pid}`, 0);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return false;
    throw error;
  }
}
