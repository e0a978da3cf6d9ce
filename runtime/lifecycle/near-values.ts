// Values that are valid and look misspelt, for --strict: names that are left out or passed on when
// they are unknown, so that a slip of the pen goes unnoticed.

import { mountOptionNames } from "../clauses/mount-options.ts";
import { closest } from "../config/closest.ts";
import { shortText } from "../config/found.ts";
import { schemaTable } from "../config/schemas.gen.ts";
import { walk } from "../config/walk.ts";
import type { Problem } from "../errors.ts";
import { CAPABILITIES } from "../host/capabilities.ts";
import { type Arch, numbersIn } from "../seccomp/arch/arch.ts";
import { ARCHS } from "../seccomp/arch/machine.ts";

/** A problem for each of them, in a configuration that need not fit its schema. */
export function nearValues(value: unknown): Problem[] {
  const problems: Problem[] = [];
  walk(value, { type: "Config", table: schemaTable() }, ({ value: found, pointer, node }) => {
    const add = (name: string, kind: string, more: { at: string; meant: string | undefined }) => {
      if (more.meant === undefined) return;
      problems.push({
        pointer: `${pointer}${more.at}`,
        message: `found the unknown ${kind} ${shortText(name)}`,
        ...(node.spec !== undefined && { spec: node.spec }),
        hint: `did you mean ${shortText(more.meant)}?`,
      });
    };
    if (/^\/mounts\/\d+$/.test(pointer)) {
      const { type, options } = partsOf(found);
      add(type, "filesystem type", { at: "/type", meant: typeMeant(type) });
      options.forEach((option, index) => {
        add(option, "mount option", { at: `/options/${index}`, meant: optionMeant(option, type) });
      });
    }
    if (typeof found !== "string") return;
    if (/^\/process\/capabilities\/\w+\/\d+$/.test(pointer)) {
      add(found, "capability", { at: "", meant: capabilityMeant(found) });
    }
    if (/^\/linux\/seccomp\/syscalls\/\d+\/names\/\d+$/.test(pointer)) {
      add(found, "system call", { at: "", meant: callMeant(found) });
    }
  });
  return problems;
}

function capabilityMeant(name: string): string | undefined {
  if (CAPABILITIES.includes(name)) return undefined;
  const prefixed = `CAP_${name.toUpperCase()}`;
  return CAPABILITIES.includes(prefixed) ? prefixed : closest(name, CAPABILITIES);
}

/** Types that configurations have, for a slip in them; any other may be the kernel's as well. */
const TYPES =
  "9p autofs bind binder binfmt_misc bpf btrfs cgroup cgroup2 configfs debugfs devpts devtmpfs " +
  "efivarfs erofs ext2 ext3 ext4 fuse fusectl hugetlbfs iso9660 mqueue nfs nfs4 none ntfs3 overlay " +
  "proc pstore ramfs resctrl securityfs squashfs sysfs tmpfs tracefs vfat virtiofs xfs";

function typeMeant(type: string): string | undefined {
  const types = TYPES.split(" ");
  return type === "" || type.includes(".") || types.includes(type)
    ? undefined
    : closest(type, types);
}

/** Options of filesystems that have few; those of others are too many to tell a slip from one. */
const DATA: Readonly<Record<string, string>> = {
  bind: "",
  none: "",
  "": "",
  cgroup: "",
  cgroup2: "nsdelegate favordynmods memory_localevents memory_recursiveprot",
  devpts: "newinstance ptmxmode mode uid gid max",
  mqueue: "",
  overlay: "lowerdir upperdir workdir index xino redirect_dir metacopy volatile userxattr uuid",
  proc: "hidepid gid subset",
  sysfs: "",
  tmpfs: "size nr_blocks nr_inodes mode uid gid huge mpol inode32 inode64 noswap usrquota grpquota",
};

function optionMeant(option: string, type: string): string | undefined {
  const data = Object.hasOwn(DATA, type) ? DATA[type] : undefined;
  const [name = ""] = option.split("=", 1);
  // Labels of SELinux are for any filesystem.
  if (data === undefined || name === "" || name.endsWith("context")) return undefined;
  const names = [...mountOptionNames(), ...data.split(" ")];
  const meant = names.includes(name) ? undefined : closest(name, names);
  return meant === undefined ? undefined : `${meant}${option.slice(name.length)}`;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_";

/** A call of any architecture that differs in one place; a digit at the end is another call. */
function callMeant(name: string): string | undefined {
  const isCall = (each: string): boolean => callNames().has(each);
  if (isCall(name) || (/\d$/.test(name) && isCall(name.slice(0, -1)))) return undefined;
  for (let at = 0; at <= name.length; at++) {
    const [before, after] = [name.slice(0, at), name.slice(at)];
    const [first = "", second = ""] = after;
    const edited = [before + after.slice(1), `${before}${second}${first}${after.slice(2)}`];
    for (const letter of LETTERS) {
      edited.push(`${before}${letter}${after}`, `${before}${letter}${after.slice(1)}`);
    }
    const meant = edited.find(isCall);
    if (meant !== undefined) return meant;
  }
  return undefined;
}

let names: ReadonlySet<string> | undefined;

/** Of every architecture that has a table, also what is reached through socketcall(2) and ipc(2). */
function callNames(): ReadonlySet<string> {
  names ??= new Set(ARCHS.flatMap(namesOf));
  return names;
}

function namesOf({ calls, moreCalls, multiplexers }: Arch): string[] {
  const more = moreCalls === undefined ? [] : [moreCalls];
  const parts = [...calls, ...more, ...(multiplexers?.values() ?? [])];
  return parts.flatMap((part) => [...numbersIn(part).keys()]);
}

function partsOf(mount: unknown): { type: string; options: string[] } {
  const { type, options } = Object(mount);
  return {
    type: typeof type === "string" ? type : "",
    options: Array.isArray(options) ? options.filter((each) => typeof each === "string") : [],
  };
}
