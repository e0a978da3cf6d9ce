// The container's cgroup on the host: made, limited and joined, by absolute paths of directories.

import { braceText } from "../cgroup/brace-text.ts";
import { enableControllers } from "../cgroup/enable.ts";
import { fillCpuset } from "../cgroup/fill-cpuset.ts";
import { joinCgroup, makeCgroup, removeCgroup, tryRemoveEmpty } from "../cgroup/manager.ts";
import { fittingWrite, type LimitWrite, limitText, writeLimit } from "../cgroup/write-limit.ts";
import { EACCES, ENOENT, EPERM, EROFS } from "../errno.ts";
import { RuntimeError, SyscallError, withHint } from "../errors.ts";
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, O_WRONLY, open, tryWriteOnce } from "../sys/file.ts";
import { defineOp } from "./op.ts";

/**
 * mkdir(2) of a cgroup in each hierarchy, with the levels above it. `missing` are the levels that
 * were not there when the plan was made, and what undo removes: a container's record has to hold
 * them before they exist. The container's own directories go with whatever the container made in
 * them; levels above only if nothing else has come to use them.
 */
export const cgroupCreate = defineOp<{
  directories: readonly string[];
  missing: readonly string[];
  /** Nobody asked for a cgroup: where the caller may not make one, there is none. */
  optional: boolean;
}>({
  name: "cgroup.create",
  print: ({ directories }) => braceText(directories),
  run({ directories, optional }, context) {
    const refusals = directories.flatMap((directory) =>
      whatRefuses(optional, () => makeCgroup(directory)),
    );
    const [first] = refusals;
    if (first !== undefined) context.warn(`the container has no cgroup of its own: ${first}`);
  },
  removes: ({ directories, missing }) =>
    missing
      .toReversed()
      .map((directory) => ({ directory, mayStay: !directories.includes(directory) })),
  undo({ directories, missing }) {
    let failure: RuntimeError | undefined;
    for (const directory of missing.toReversed()) {
      try {
        if (directories.includes(directory)) removeCgroup(directory);
        else tryRemoveEmpty(directory);
      } catch (error) {
        // The other hierarchies' go all the same.
        if (!(error instanceof RuntimeError)) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  },
});

/** CPUs and memory nodes of a new v1 cpuset, from its parent; before anything joins it. */
export const cgroupFillCpuset = defineOp<{
  directory: string;
  mount: string;
  optional: boolean;
}>({
  name: "cgroup.fill-cpuset",
  print: ({ directory }) => directory,
  run({ directory, mount, optional }) {
    whatRefuses(optional, () => fillCpuset(directory, mount));
  },
});

/**
 * Passes every controller on, level by level, to the cgroups of the container (cgroup-v2.rst,
 * "Enabling and Disabling"). What a level refuses, such as domain controllers in a cgroup that has
 * processes, matters only to limits that need it: their files will be missing.
 */
export const cgroupEnable = defineOp<{ directory: string; mount: string }>({
  name: "cgroup.enable",
  print: ({ directory }) => `every controller down to ${directory}`,
  run({ directory, mount }) {
    enableControllers(mount, directory);
  },
});

/** One write(2) of a limit. */
export const cgroupWrite = defineOp<LimitWrite & { directory: string }>({
  name: "cgroup.write",
  print: ({ directory, ...write }) => `${directory}/${limitText(write)}`,
  run({ directory, ...write }) {
    const fitting = fittingWrite(directory, write);
    if (fitting !== undefined) writeLimit(directory, fitting);
  },
});

/**
 * Moves init into the cgroup of each hierarchy, by its pid as the host sees it: init itself may no
 * longer see the hierarchies, and a write by the host charges init's past to nobody else.
 */
export const cgroupJoin = defineOp<{ directories: readonly string[]; optional: boolean }>({
  name: "cgroup.join",
  print: ({ directories }) => `$init → ${braceText(directories)}`,
  run({ directories, optional }, context) {
    const pid = context.initPid();
    for (const directory of directories) {
      whatRefuses(optional, () => joinCgroup(directory, pid));
    }
  },
});

/**
 * Opens what init needs to enter its v1 cgroups by itself, wherever it stands by then: a write of
 * "0" to `tasks` moves the writer alone. The kernel takes no lock for that; for a write of another's
 * pid, or to `cgroup.procs`, it waits for a grace period of RCU, often longer than all else takes.
 */
export const cgroupOpen = defineOp<{ directories: readonly string[]; into: readonly string[] }>({
  name: "cgroup.open",
  print: ({ directories, into }) => `${braceText(directories)}/tasks →${into.join(" ")}`,
  run({ directories, into }, { slots }) {
    for (const [index, directory] of directories.entries()) {
      slots.put(into[index] ?? "", open(`${directory}/tasks`, O_WRONLY | O_NOFOLLOW));
    }
  },
});

/** Init, which has one thread, moves itself into v1 cgroups. */
export const cgroupEnter = defineOp<{ from: readonly string[] }>({
  name: "cgroup.enter",
  print: ({ from }) => from.join(" "),
  onTape: true,
  run({ from }, { slots }) {
    for (const slot of from) {
      const result = tryWriteOnce(slots.get(slot), "0");
      if (result < 0) throw new SyscallError(`write(${slot}, "0")`, -result);
      slots.close(slot);
    }
  },
});

/** Opens a cgroup v2 that init is to be born in (clone3(2), CLONE_INTO_CGROUP). */
export const cgroupOpenBirthplace = defineOp<{ directory: string; into: string }>({
  name: "cgroup.open",
  print: ({ directory, into }) => `${directory} →${into}`,
  run({ directory, into }, { slots }) {
    slots.put(into, open(directory, O_PATH | O_DIRECTORY));
  },
});

const DELEGATION =
  "an ordinary user needs a cgroup that is delegated to them, as systemd-run --user --scope --property=Delegate=yes does; or leave out /linux/resources and /linux/cgroupsPath";

/** As in a container that does not have the host's cgroups to write to. */
function rootHint(errno: number): string | undefined {
  if (errno === ENOENT) return undefined;
  return "cgroups cannot be made here; --rootless=true does without, if there are no limits and no cgroupsPath";
}

/** Callers without privileges often may not touch cgroups, which matters only if they want to. */
function whatRefuses(optional: boolean, act: () => void): string[] {
  try {
    act();
    return [];
  } catch (error) {
    const refused =
      error instanceof SyscallError && [EPERM, ENOENT, EACCES, EROFS].includes(error.errno);
    if (!refused) throw error;
    if (optional) return [error.message];
    throw withHint(error, process.geteuid?.() === 0 ? rootHint(error.errno) : DELEGATION);
  }
}
