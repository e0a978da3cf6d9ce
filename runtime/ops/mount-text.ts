// mount(2), whose options are one text of less than a page: for what the descriptors of the newer
// calls cannot say, onto a directory that is opened nevertheless.

import { RuntimeError } from "../errors.ts";
import { closeFd, O_DIRECTORY, O_PATH, open, openAt } from "../sys/file.ts";
import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_NOSYMFOLLOW,
  MS_STRICTATIME,
  mount,
} from "../sys/mount.ts";
import { changeDirectory } from "../sys/namespace.ts";
import type { NewFilesystem } from "./new-filesystem.ts";
import { openProc } from "./proc.ts";

/** A page, of which the kernel takes all but the byte that ends the text. */
const DATA_BYTES_MAX = 4095;

/** Mounts onto an opened directory. */
export function mountByText(args: NewFilesystem, target: number): void {
  const { source, type, data } = args;
  const flags = args.superblock | flagsFrom(args.attributes);
  const isShort = Buffer.byteLength(data.join(",")) <= DATA_BYTES_MAX;
  const layers = isShort || type !== "overlay" ? undefined : openLayers(data);
  const text = layers?.data ?? data.join(",");
  requireShort(text);
  atOpened(target, (path) =>
    mount({ source: source || "none", target: path, type, flags, data: text }),
  );
  for (const fd of layers?.fds ?? []) closeFd(fd);
}

/** @throws RuntimeError when mount(2) would cut the options off */
export function requireShort(data: string): void {
  const bytes = Buffer.byteLength(data);
  if (bytes <= DATA_BYTES_MAX) return;
  throw new RuntimeError(
    `the options of the filesystem have ${bytes} bytes, and the kernel takes ${DATA_BYTES_MAX}: ${data.slice(0, 64)}…`,
  );
}

/** Calls `use` with a path that means an opened object, whatever is mounted on /proc. */
export function atOpened(fd: number, use: (path: string) => void): void {
  const proc = openProc();
  const descriptors = openAt(proc, "thread-self/fd", O_PATH | O_DIRECTORY);
  closeFd(proc);
  changeDirectory(descriptors);
  closeFd(descriptors);
  use(`${fd}`);
}

const PATHS_OF_OVERLAY = /^(lowerdir|upperdir|workdir)=(.*)$/s;

/**
 * Overlay's directories by descriptor: from within `thread-self/fd` a number is a path, however long
 * the path itself is, and the 500 layers that overlay can have fit.
 */
function openLayers(data: readonly string[]): { data: string; fds: number[] } {
  const fds: number[] = [];
  const short = (path: string): string => {
    const fd = open(path.replace(/\\(.)/gs, "$1"), O_PATH);
    fds.push(fd);
    return `${fd}`;
  };
  const options = data.map((option) => {
    const [, key = "", value = ""] = PATHS_OF_OVERLAY.exec(option) ?? [];
    if (key === "") return option;
    // A colon parts layers unless a backslash stands before it.
    const paths = key === "lowerdir" ? value.split(/(?<!\\):/) : [value];
    return `${key}=${paths.map((path) => (path === "" ? "" : short(path))).join(":")}`;
  });
  return { data: options.join(","), fds };
}

/** MS_* for MOUNT_ATTR_*: the low four bits are the same. */
export function flagsFrom(attributes: number): number {
  const others = [
    [MOUNT_ATTR_NOATIME, MS_NOATIME],
    [MOUNT_ATTR_STRICTATIME, MS_STRICTATIME],
    [MOUNT_ATTR_NODIRATIME, MS_NODIRATIME],
    [MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW],
  ] as const;
  return others.reduce(
    (flags, [attribute, flag]) => ((attributes & attribute) !== 0 ? flags | flag : flags),
    attributes & 0xf,
  );
}
