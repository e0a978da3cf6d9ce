// Options of mounts (config.md#linux-mount-options): what each name sets and clears. An option that
// is not here is the filesystem's own.

import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  type MountAttributes,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_PRIVATE,
  MS_RDONLY,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_SYNCHRONOUS,
  MS_UNBINDABLE,
} from "../sys/mount.ts";

/** Set and cleared attributes; the access time is one value of several, so setting it clears it. */
type Attribute = readonly [set: number, clear: number];

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  ro: [MOUNT_ATTR_RDONLY, 0],
  rw: [0, MOUNT_ATTR_RDONLY],
  nosuid: [MOUNT_ATTR_NOSUID, 0],
  suid: [0, MOUNT_ATTR_NOSUID],
  nodev: [MOUNT_ATTR_NODEV, 0],
  dev: [0, MOUNT_ATTR_NODEV],
  noexec: [MOUNT_ATTR_NOEXEC, 0],
  exec: [0, MOUNT_ATTR_NOEXEC],
  nodiratime: [MOUNT_ATTR_NODIRATIME, 0],
  diratime: [0, MOUNT_ATTR_NODIRATIME],
  relatime: [0, MOUNT_ATTR__ATIME],
  norelatime: [0, MOUNT_ATTR__ATIME],
  noatime: [MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME],
  atime: [0, MOUNT_ATTR__ATIME],
  strictatime: [MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME],
  nostrictatime: [0, MOUNT_ATTR__ATIME],
  nosymfollow: [MOUNT_ATTR_NOSYMFOLLOW, 0],
  symfollow: [0, MOUNT_ATTR_NOSYMFOLLOW],
};

/** Flags of the superblock. `silent` and `loud` only choose what the kernel logs. */
const SUPERBLOCK: Readonly<Record<string, Attribute>> = {
  sync: [MS_SYNCHRONOUS, 0],
  async: [0, MS_SYNCHRONOUS],
  dirsync: [MS_DIRSYNC, 0],
  mand: [MS_MANDLOCK, 0],
  nomand: [0, MS_MANDLOCK],
  lazytime: [MS_LAZYTIME, 0],
  nolazytime: [0, MS_LAZYTIME],
  iversion: [MS_I_VERSION, 0],
  noiversion: [0, MS_I_VERSION],
  silent: [MS_SILENT, 0],
  loud: [0, MS_SILENT],
  defaults: [0, 0],
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS_PRIVATE,
  shared: MS_SHARED,
  slave: MS_SLAVE,
  unbindable: MS_UNBINDABLE,
};

const KINDS = ["bind", "rbind", "remount", "idmap", "ridmap", "tmpcopyup"] as const;

/** Every option that is acted on, as `features` lists them. */
export function mountOptionNames(): string[] {
  const attributes = Object.keys(ATTRIBUTES);
  const propagation = Object.keys(PROPAGATION);
  const names = [...attributes, ...propagation];
  const recursive = names.map((name) => `r${name}`);
  return [...names, ...recursive, ...Object.keys(SUPERBLOCK), ...KINDS].toSorted();
}

export interface MountOptions {
  bind: "single" | "recursive" | undefined;
  remount: boolean;
  /** Whether ids are mapped, and how far down. */
  idMap: "single" | "recursive" | undefined;
  /** MOUNT_ATTR_* of the mount itself. */
  attributes: { set: number; clear: number };
  /** MS_* of the superblock. */
  superblock: number;
  /** Propagation and recursive attributes, in the order of the options. */
  adjustments: MountAttributes[];
  /** What is left: the filesystem's own options. */
  data: string[];
  /** Whether a tmpfs begins with what it covers. */
  copyUp: boolean;
}

/** Sorts the options of one mount; a later one wins over an earlier one. */
export function mountOptions(options: readonly string[]): MountOptions {
  const result: MountOptions = {
    bind: undefined,
    remount: false,
    idMap: undefined,
    attributes: { set: 0, clear: 0 },
    superblock: 0,
    adjustments: [],
    data: [],
    copyUp: false,
  };
  for (const option of options) take(option, result);
  return result;
}

function take(option: string, result: MountOptions): void {
  const base = option.startsWith("r") ? option.slice(1) : "";
  // What every object has, such as "constructor", would be found in the tables.
  if (option in {} || base in {}) {
    result.data.push(option);
    return;
  }
  const attribute = ATTRIBUTES[option];
  const superblock = SUPERBLOCK[option];
  const recursive = ATTRIBUTES[base];
  if (attribute) {
    const [set, clear] = attribute;
    result.attributes.set = (result.attributes.set & ~clear) | set;
    result.attributes.clear = (result.attributes.clear & ~set) | clear;
  } else if (superblock) {
    result.superblock = (result.superblock & ~superblock[1]) | superblock[0];
  } else if (PROPAGATION[option] !== undefined || PROPAGATION[base] !== undefined) {
    const propagation = PROPAGATION[option] ?? PROPAGATION[base] ?? 0;
    const isRecursive = PROPAGATION[option] === undefined;
    result.adjustments.push({ set: 0, clear: 0, propagation, recursive: isRecursive });
  } else if (recursive) {
    const [set, clear] = recursive;
    result.adjustments.push({ set, clear, propagation: 0, recursive: true });
  } else if (option === "bind") result.bind ??= "single";
  else if (option === "rbind") result.bind = "recursive";
  else if (option === "remount") result.remount = true;
  else if (option === "idmap") result.idMap = "single";
  else if (option === "ridmap") result.idMap = "recursive";
  else if (option === "tmpcopyup") result.copyUp = true;
  else if (option !== "") result.data.push(option);
}

/** What the options change in a mount that is a copy, in order. */
export function adjustmentsOf({ attributes, adjustments }: MountOptions): MountAttributes[] {
  const { set, clear } = attributes;
  const own: MountAttributes = { set, clear, propagation: 0, recursive: false };
  return set === 0 && clear === 0 ? adjustments : [own, ...adjustments];
}

/** The superblock is read-only too where it is this mount's alone. */
export function superblockOf(type: string, { attributes, superblock }: MountOptions): number {
  const isReadOnly = (attributes.set & MOUNT_ATTR_RDONLY) !== 0;
  return isReadOnly && !SHARED_SUPERBLOCKS.has(type) ? superblock | MS_RDONLY : superblock;
}

const SHARED_SUPERBLOCKS = new Set([
  "proc",
  "sysfs",
  "cgroup",
  "cgroup2",
  "mqueue",
  "devpts",
  "tmpfs",
]);
