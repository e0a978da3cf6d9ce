// Mappings of ids of a user namespace, written from outside (user_namespaces(7)).

import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_WRONLY, open, tryWriteOnce } from "../sys/file.ts";

/** One range: `size` ids from `containerID` on inside are those from `hostID` on outside. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface IdMappings {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** The kernel takes a map as one write of less than a page, of at most so many lines (4.15). */
const MAP_BYTES_MAX = 4095;
const MAP_LINES_MAX = 340;

/**
 * Writes both maps of the user namespace of a process, once for all time.
 *
 * @throws RuntimeError when the kernel refuses one, or a map is larger than it could take
 */
export function writeIdMaps(pid: number, { uidMappings, gidMappings }: IdMappings): void {
  writeMap(`/proc/${pid}/gid_map`, gidMappings);
  writeMap(`/proc/${pid}/uid_map`, uidMappings);
}

function writeMap(path: string, mappings: readonly IdMapping[]): void {
  const text = mapText(mappings);
  const fd = open(path, O_WRONLY);
  const result = tryWriteOnce(fd, text);
  closeFd(fd);
  if (result < 0)
    throw new SyscallError(`write("${path}", "${text.replaceAll("\n", "; ")}")`, -result);
}

/** A map as the kernel reads it: a line for each range. */
function mapText(mappings: readonly IdMapping[]): string {
  const text = mappings
    .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`)
    .join("");
  if (text.length > MAP_BYTES_MAX || mappings.length > MAP_LINES_MAX) {
    throw new RuntimeError(
      `${mappings.length} mappings of ${text.length} bytes are more than the kernel takes: ${MAP_LINES_MAX} lines, ${MAP_BYTES_MAX} bytes`,
    );
  }
  return text;
}
