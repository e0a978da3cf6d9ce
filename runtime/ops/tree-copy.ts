// A detached copy of what is mounted at an opened place.

import { RuntimeError, SyscallError } from "../errors.ts";
import { tryCloneTree } from "../sys/mount.ts";

/**
 * Copies a mount, or a tree of them. open_tree(2), Linux 5.2.
 *
 * @throws RuntimeError with a hint where mounts below may not be taken away (mount_namespaces(7))
 */
export function copyOfTree(
  anchor: number,
  { path, recursive }: { path: string; recursive: boolean },
): number {
  const EINVAL = 22;
  const tree = tryCloneTree(anchor, "", recursive ? "recursive" : "single");
  if (tree >= 0) return tree;
  const error = new SyscallError(`open_tree("${path}", OPEN_TREE_CLONE)`, -tree);
  if (tree !== -EINVAL || recursive) throw error;
  throw new RuntimeError(
    `${error.message} (hint: in a user namespace a tree with mounts in it can only be bound with all of them, by "rbind")`,
  );
}
