// tmpcopyup: what a directory holds is copied into the filesystem that covers it.

import { SyscallError } from "../errors.ts";
import { closeFd, O_PATH, openInRoot, statusOf, tryChangeOwner } from "../sys/file.ts";
import { defineOp } from "./op.ts";
import { openTarget } from "./path.ts";

/** Holds on to a directory below the root before it is covered. */
export const holdDirectory = defineOp<{ path: string; into: string }>({
  name: "directory.hold",
  print: ({ path, into }) => `${path} →${into}`,
  run: ({ path, into }, { slots }) => {
    slots.put(into, openTarget(slots.get("$root"), path, "directory"));
  },
});

interface CopyUp {
  /** Slot of the directory that is covered. */
  from: string;
  target: string;
  /** Whether the options of the filesystem leave its owner open. */
  owner: boolean;
}

/** Copies what a directory holds into the filesystem that has been mounted on it. */
export const copyUp = defineOp<CopyUp>({
  name: "tree.copy",
  print: ({ from, target }) => `${from} to ${target}`,
  run: ({ from, target, owner }, context) => {
    const { copyTree }: typeof import("./copy-tree.ts") = require("./copy-tree.ts");
    const { slots } = context;
    const source = slots.get(from);
    const to = openInRoot(slots.get("$root"), target, O_PATH);
    if (owner) takeOwner(source, to);
    const left = copyTree(source, to);
    if (left.length > 0) {
      const more = left.length > 3 ? ` and ${left.length - 3} more` : "";
      context.warn(`not copied to ${target}: ${left.slice(0, 3).join(", ")}${more}`);
    }
    closeFd(to);
    slots.close(from);
  },
});

function takeOwner(from: number, to: number): void {
  const { uid, gid } = statusOf(from);
  const result = tryChangeOwner(to, uid, gid);
  if (result < 0) throw new SyscallError(`fchownat(${to}, ${uid}, ${gid})`, -result);
}
