// Whether a container's processes are frozen, on every layout.

import { ENODEV, ENOENT } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { readFile } from "../sys/file.ts";

/** freezer.state of v1, cgroup.freeze of v2; a cgroup that is gone is not frozen. */
export function frozen(directories: readonly string[]): boolean {
  const freezer = directories.find((path) => path.includes("/freezer/"));
  const state = freezer === undefined ? "" : contents(`${freezer}/freezer.state`);
  if (state !== "") return state.trim() === "FROZEN";
  return directories.some((path) => contents(`${path}/cgroup.freeze`).trim() === "1");
}

function contents(path: string): string {
  try {
    return readFile(path);
  } catch (error) {
    const gone = error instanceof SyscallError && [ENOENT, ENODEV].includes(error.errno);
    if (!gone) throw error;
    return "";
  }
}
