// Filesystems and hardware that some fields need.

import { RuntimeError } from "../errors.ts";
import type { Machine } from "../host/machine.ts";
import { good, type Judgement } from "./check.ts";

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

/** What containers usually mount, beside the caller's own. */
const USUAL: readonly string[] = ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "overlay"];
const NEEDED: readonly string[] = ["proc", "tmpfs"];

export function filesystems({ text }: Machine): Judgement {
  const known = (text("/proc/filesystems") ?? "")
    .split("\n")
    .map((line) => line.split("\t").at(-1));
  const missing = USUAL.filter((type) => !known.includes(type));
  if (missing.length === 0) return good(USUAL.join(" "));
  return {
    verdict: missing.some((type) => NEEDED.includes(type)) ? "fatal" : "limited",
    found: `the kernel does not know ${missing.join(" ")}, unless as modules`,
    effect: "passes on the kernel's refusal of such mounts",
    advice: `modprobe ${missing.join(" ")}`,
  };
}

/** Where nothing can be hidden the kernel lets a user namespace have a procfs of its own. */
export function procfs({ text }: Machine): Judgement {
  const covered = (text("/proc/self/mountinfo") ?? "")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => /^\/proc\/(?!sys\/fs\/binfmt_misc$)/.test(target));
  if (covered.length === 0) return good("no part of /proc is covered");
  return {
    verdict: "limited",
    found: `parts of /proc are covered: ${covered.slice(0, 4).join(" ")}`,
    effect: "has the kernel refuse /proc in containers with a user namespace",
    advice: "run the outer container with an unmasked /proc",
  };
}

export function resctrl({ text, status }: Machine): Judgement {
  if (status("/sys/fs/resctrl/schemata") !== undefined) return good("/sys/fs/resctrl is mounted");
  const isKnown = /\tresctrl$/m.test(text("/proc/filesystems") ?? "");
  return {
    verdict: "limited",
    found: isKnown ? "not mounted" : "this processor or kernel has none",
    effect: "refuses configurations with linux.intelRdt",
    ...(isKnown && { advice: "mount -t resctrl resctrl /sys/fs/resctrl" }),
  };
}

export function numa({ names }: Machine): Judgement {
  const nodes = (names("/sys/devices/system/node") ?? []).filter((name) => /^node\d+$/.test(name));
  if (nodes.length > 0) return good(`${nodes.length} nodes`);
  return {
    verdict: "limited",
    found: "the kernel knows no memory nodes",
    effect: "has the kernel refuse linux.memoryPolicy",
  };
}

export function stateRoot(machine: Machine): Judgement {
  const fatal = { verdict: "fatal", effect: "creates no container" } as const;
  let root: string;
  try {
    root = machine.root();
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { ...fatal, found: error.message };
  }
  const part = existingPart(root, machine);
  const isFolder = ((machine.status(part)?.mode ?? 0) & S_IFMT) === S_IFDIR;
  if (isFolder && machine.isWritable(part)) return good(root);
  const advice = "give another folder with --root, or set XDG_RUNTIME_DIR";
  return { ...fatal, found: `${root} cannot be made or written`, advice };
}

/** The path up to the first folder that would have to be made. */
function existingPart(path: string, { status }: Machine): string {
  let part = path;
  while (part !== "" && status(part) === undefined) part = part.slice(0, part.lastIndexOf("/"));
  return part === "" ? "/" : part;
}

/** Libraries that the addon for system calls is linked with: without them nothing of this runs. */
export function libraries({ text }: Machine): Judgement {
  const maps = text("/proc/self/maps") ?? "";
  const found = ["libc", "libstdc++", "libgcc_s", "ld-musl"].filter((name) =>
    maps.includes(`/${name}`),
  );
  return good(`loaded: ${found.join(" ")}`);
}
