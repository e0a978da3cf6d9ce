// New filesystems: made from their options, and placed onto an opened directory below the root.

import { closeFd, O_PATH, openInRoot, RESOLVE_NO_SYMLINKS } from "../sys/file.ts";
import { MOUNT_ATTR__ATIME, type MountAttributes, setMountAttributes } from "../sys/mount.ts";
import { statusOf } from "../sys/status.ts";
import { type MountIdMap, mapMount } from "./mount-id-map.ts";
import { mountNew, type NewFilesystem } from "./new-filesystem.ts";
import { defineOp, type OpContext } from "./op.ts";
import { openExisting, openTarget } from "./path.ts";
import { guardProc } from "./proc-guard.ts";
import { adjustMount, mounting } from "./put-mount.ts";
import { guardRoot } from "./root-guard.ts";

export interface FilesystemMount extends NewFilesystem {
  target: string;
  /** What is done to the mount once it is in place, in order: propagation, recursive attributes. */
  adjustments: readonly MountAttributes[];
  /** How its ids are mapped, or null. */
  idMap: MountIdMap | null;
  /** Whether it begins with what the directory holds that it covers. */
  copyUp: boolean;
}

/** Makes a filesystem and mounts it below the root. fsmount(2) and move_mount(2), Linux 5.2. */
export const mountFilesystem = defineOp<FilesystemMount>({
  name: "mount.filesystem",
  print: ({ type, target, data, copyUp }) => {
    const options = data.length === 0 ? "" : ` (${data.join(",")})`;
    return `${type} on ${target}${options}${copyUp ? " with a copy of what is there" : ""}`;
  },
  run: (args, context) => {
    mounting({ what: args.type, target: args.target }, () => {
      const root = context.slots.get("$root");
      const { target, existed } = openMountPoint(root, args);
      guardRoot({ root, target, path: args.target });
      guardProc({ target, path: args.target, isProc: args.type === "proc" });
      const whole = { ...args, data: existed ? withMode(args, target) : args.data };
      const made = make(whole, { root, target, context });
      adjustMount(made, args.adjustments);
      closeFd(made);
      closeFd(target);
    });
  },
});

interface Place {
  root: number;
  target: number;
  context: OpContext;
}

function make(args: FilesystemMount, place: Place): number {
  const { target: path, copyUp, idMap } = args;
  const { root, target, context } = place;
  const prepare = (mount: number): void => {
    if (copyUp) fill(mount, args, place);
    if (idMap !== null) {
      const { map, recursive } = idMap;
      mapMount(mount, { path, map: context.slots.get(map), recursive });
    }
  };
  const isPrepared = copyUp || idMap !== null;
  const attributes = copyUp ? 0 : args.attributes;
  const made = mountNew({ ...args, attributes }, target, isPrepared ? prepare : undefined);
  return made ?? openInRoot(root, path, O_PATH);
}

/** Copies what is to be covered, while nobody sees the mount; its attributes come afterwards. */
function fill(made: number, args: FilesystemMount, place: Omit<Place, "root">): void {
  const { copyTree }: typeof import("./copy-tree.ts") = require("./copy-tree.ts");
  const { target, data, attributes: set } = args;
  const left = copyTree(place.target, made, {
    owner: !data.some((option) => /^[ug]id=/.test(option)),
  });
  if (left.length > 0) {
    const more = left.length > 3 ? ` and ${left.length - 3} more` : "";
    place.context.warn(`not copied to ${target}: ${left.slice(0, 3).join(", ")}${more}`);
  }
  setMountAttributes(made, {
    set,
    clear: MOUNT_ATTR__ATIME,
    propagation: 0,
    recursive: false,
  });
}

/**
 * The place of a mount, opened and made. procfs and sysfs only ever go onto real directories: a
 * symbolic link there is an attack on what is masked below them (CVE-2019-19921, CVE-2023-27561).
 */
function openMountPoint(
  root: number,
  args: { type: string; target: string },
): { target: number; existed: boolean } {
  const isKernelTree = args.type === "proc" || args.type === "sysfs";
  const existing = openExisting(root, args.target, isKernelTree ? RESOLVE_NO_SYMLINKS : 0);
  if (existing !== undefined) return { target: existing, existed: true };
  return { target: openTarget(root, args.target, "directory"), existed: false };
}

/** A tmpfs over a directory keeps the directory's mode, unless the options name one. */
function withMode({ type, data }: FilesystemMount, target: number): readonly string[] {
  if (type !== "tmpfs" || data.some((option) => option.startsWith("mode="))) return data;
  return [...data, `mode=${(statusOf(target).mode & 0o7777).toString(8)}`];
}
