// Trees for a container in a user namespace, opened by the host in init's mount namespace. The kernel
// has locked there what the host's mounts forbid, such as writing; a copy from the host's own mount
// namespace would let the container's root take that off.

import { SyscallError } from "../errors.ts";
import { closeFd, O_PATH, O_RDONLY, open } from "../sys/file.ts";
import { changeDirectory, changeRoot, tryJoinNamespace } from "../sys/namespace.ts";
import { CLONE_NEWNS } from "../sys/process.ts";
import { defineOp } from "./op.ts";
import { copyOfTree } from "./tree-copy.ts";

interface TreeInside {
  path: string;
  recursive: boolean;
  into: string;
}

/** Opens a tree with the host's rights and init's mounts. open_tree(2), Linux 5.2. */
export const openTreeInside = defineOp<TreeInside>({
  name: "tree.open-inside",
  print: ({ path, into }) => `${path} →${into}`,
  gives: ({ into }) => into,
  run: ({ path, recursive, into }, context) => {
    const tree = insideMountsOf(context.initPid(), () =>
      copyOfTree({ path, otherwise: null, recursive }),
    );
    context.slots.put(into, tree);
  },
});

/** Receives a tree that the host has opened. */
export const takeTree = defineOp<{ tree: string }>({
  name: "tree.take",
  print: ({ tree }) => tree,
  run: ({ tree }, { slots }) => {
    slots.get(tree);
  },
});

/** Calls `use` in the mount namespace of a process, with the same root as here. */
function insideMountsOf(pid: number, use: () => number): number {
  const here = { namespace: open("/proc/self/ns/mnt", O_RDONLY), root: open("/", O_PATH) };
  const directory = open(".", O_PATH);
  const there = {
    namespace: open(`/proc/${pid}/ns/mnt`, O_RDONLY),
    root: open(`/proc/${pid}/root`, O_PATH),
  };
  try {
    enter(there);
    return use();
  } finally {
    enter(here);
    changeDirectory(directory);
    for (const fd of [directory, ...Object.values(here), ...Object.values(there)]) closeFd(fd);
  }
}

function enter({ namespace, root }: { namespace: number; root: number }): void {
  const result = tryJoinNamespace(namespace, CLONE_NEWNS);
  if (result < 0) throw new SyscallError(`setns(${namespace}, CLONE_NEWNS)`, -result);
  changeDirectory(root);
  changeRoot(".");
}
