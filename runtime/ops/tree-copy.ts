// A detached copy of what is mounted at a place of the host.

import { EINVAL, ENOENT } from "../errno.ts";
import { SyscallError, withHint } from "../errors.ts";
import { closeFd, O_PATH, open } from "../sys/file.ts";
import { tryCloneTree } from "../sys/mount.ts";

interface Source {
  path: string;
  /** Opened instead where `path` could not be made. */
  otherwise: string | null;
  recursive: boolean;
}

/**
 * Copies a mount, or a tree of them. open_tree(2), Linux 5.2.
 *
 * @throws RuntimeError with a hint where there is nothing, or where mounts below may not be taken
 *   away (mount_namespaces(7))
 */
export function copyOfTree({ path, otherwise, recursive }: Source): number {
  const anchor = openEither(path, otherwise);
  const tree = tryCloneTree(anchor, "", recursive ? "recursive" : "single");
  closeFd(anchor);
  if (tree >= 0) return tree;
  const error = new SyscallError(`open_tree("${path}", OPEN_TREE_CLONE)`, -tree);
  if (tree !== -EINVAL || recursive) throw error;
  throw withHint(
    error,
    'in a user namespace a tree with mounts in it can only be bound with all of them, by "rbind"',
  );
}

function openEither(path: string, otherwise: string | null): number {
  try {
    return open(path, O_PATH);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ENOENT) throw error;
    if (otherwise !== null) return open(otherwise, O_PATH);
    throw withHint(error, "the source of a bind mount has to be there, on the host");
  }
}
