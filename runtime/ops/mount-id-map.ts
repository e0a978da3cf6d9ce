// Idmapped mounts: a user namespace that holds the mapping, and its effect on a detached tree
// (mount_setattr(2), MOUNT_ATTR_IDMAP).

import { EINVAL, EPERM } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { O_RDONLY, open } from "../sys/file.ts";
import { setMountIdMap } from "../sys/mount.ts";
import { CLONE_NEWUSER } from "../sys/process.ts";
import { type IdMapping, type IdMappings, writeIdMaps } from "./id-map.ts";
import { defineOp } from "./op.ts";

/** The namespace of a child that does nothing else: a mapping has no other home. */
export const openIdMap = defineOp<IdMappings & { into: string }>({
  name: "idmap.open",
  print: ({ uidMappings, gidMappings, into }) =>
    `uid ${rangesOf(uidMappings)} gid ${rangesOf(gidMappings)} →${into}`,
  run: ({ into, ...mappings }, { slots, inChild }) =>
    inChild(CLONE_NEWUSER, (pid) => {
      writeIdMaps(pid, mappings);
      slots.put(into, open(`/proc/${pid}/ns/user`, O_RDONLY));
    }),
});

/** How the ids of a mount are mapped. */
export interface MountIdMap {
  /** Slot of the user namespace. */
  map: string;
  recursive: boolean;
}

/** Maps the ids of a tree before anyone can see it: the kernel takes no mount that is in use. */
export const mapTree = defineOp<MountIdMap & { tree: string; path: string }>({
  name: "tree.map",
  print: ({ tree, map, recursive }) => `${tree} by ${map}${recursive ? " (recursive)" : ""}`,
  gives: ({ tree }) => tree,
  run: ({ tree, path, map, recursive }, { slots }) =>
    mapMount(slots.get(tree), { path, map: slots.get(map), recursive }),
});

/**
 * Maps the ids of a detached mount by an opened user namespace.
 *
 * @throws RuntimeError that names the mount, and what is the matter with it where that is known
 */
export function mapMount(
  mount: number,
  { path, map, recursive }: { path: string; map: number; recursive: boolean },
): void {
  try {
    setMountIdMap(mount, map, recursive ? "recursive" : "single");
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new RuntimeError(
      `the ids of ${path} cannot be mapped: ${error.message}${reasonOf(error)}`,
    );
  }
}

function reasonOf({ errno }: SyscallError): string {
  if (errno === EINVAL) return " (hint: its filesystem, or one below it, has no idmapped mounts)";
  if (errno === EPERM)
    return " (hint: it is idmapped already, or its filesystem is not the caller's)";
  return "";
}

function rangesOf(mappings: readonly IdMapping[]): string {
  return mappings
    .map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`)
    .join(",");
}
