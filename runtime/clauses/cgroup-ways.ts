// How a process gets into cgroups that are there: by itself, by its birth, or by the host.

import type { CgroupDirectory } from "../cgroup/paths.ts";
import type { HostFacts } from "../host/facts.ts";
import { cgroupEnter, cgroupJoin, cgroupOpen, cgroupOpenBirthplace } from "../ops/cgroup.ts";
import { type Step, step } from "../plan/step.ts";

export interface CgroupWays {
  /** Before the clone: descriptors by which init enters. */
  readonly open: readonly Step[];
  /** Slot of the cgroup v2 that init is born in, where no memory is counted there. */
  readonly birthplace: string | null;
  /** By init, first: the hierarchies of v1 that count no memory. */
  readonly enter: readonly Step[];
  /** By init, last: v1's memory hierarchy, where the memory of what init has done would count. */
  readonly enterMemory: readonly Step[];
  /** By the host, right after the clone, for a caller without privileges. */
  readonly join: readonly Step[];
  /** By the host, last: v2, which counts memory, and v1's memory without privileges. */
  readonly joinMemory: readonly Step[];
}

/**
 * How init gets into its cgroups. With privileges it is born in the v2 hierarchy of a hybrid host
 * and enters v1's by itself: neither waits for anything. Otherwise the host writes its pid.
 */
export function cgroupWays(
  directories: readonly CgroupDirectory[],
  facts: HostFacts,
  { optional, because }: { optional: boolean; because: string },
): CgroupWays {
  const memory = directories.filter((one) => chargesMemory(one, facts));
  const others = directories.filter((one) => !chargesMemory(one, facts));
  const host = (op: Step["op"]): Step => step("host", op, because);
  if (optional || isRootless(facts) || facts.cgroup.mode === "v2") {
    const join = (which: readonly CgroupDirectory[]): Step[] =>
      which.length === 0 ? [] : [host(cgroupJoin({ directories: pathsOf(which), optional }))];
    const none = { open: [], birthplace: null, enter: [], enterMemory: [] };
    return { ...none, join: join(others), joinMemory: join(memory) };
  }
  const unified = others.find(({ controllers }) => controllers.length === 0);
  const v1 = others.filter(({ controllers }) => controllers.length > 0);
  const open = (which: readonly CgroupDirectory[]): Step[] =>
    which.length === 0
      ? []
      : [host(cgroupOpen({ directories: pathsOf(which), into: which.map(slotOf) }))];
  const enter = (which: readonly CgroupDirectory[]): Step[] =>
    which.length === 0 ? [] : [step("init", cgroupEnter({ from: which.map(slotOf) }), because)];
  const birthplace = unified === undefined ? null : "$cgroup";
  return {
    open: [
      ...open([...v1, ...memory]),
      ...(unified === undefined
        ? []
        : [host(cgroupOpenBirthplace({ directory: unified.directory, into: "$cgroup" }))]),
    ],
    birthplace,
    enter: enter(v1),
    enterMemory: enter(memory),
    join: [],
    joinMemory: [],
  };
}

/** Such as `$cgroup.cpu,cpuacct`. */
function slotOf({ controllers }: CgroupDirectory): string {
  return `$cgroup.${controllers.join(",").replace("name=", "")}`;
}

function chargesMemory({ controllers }: CgroupDirectory, { cgroup: { mode } }: HostFacts): boolean {
  return mode === "v2" || controllers.includes("memory");
}

/** Who is not root of the machine writes to few cgroups. */
export function isRootless(facts: HostFacts): boolean {
  return facts.uid !== 0 || facts.userNamespace;
}

export function pathsOf(directories: readonly CgroupDirectory[]): string[] {
  return directories.map((one) => one.directory);
}
