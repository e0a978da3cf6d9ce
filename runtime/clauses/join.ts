// exec: the way into a container that is there, by its init.

import type { CgroupDirectory } from "../cgroup/paths.ts";
import type { Config, NamespaceType } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { cgroupOpenBirthplace } from "../ops/cgroup.ts";
import { becomeRoot } from "../ops/identity.ts";
import {
  closeOthers,
  holdInit,
  joinNamespaces,
  openContainerRoot,
  openOwnProc,
} from "../ops/join.ts";
import { cloneInit } from "../ops/namespace.ts";
import { chrootHere, openRoot } from "../ops/root.ts";
import { type Step, step } from "../plan/step.ts";
import { type CgroupWays, cgroupWays } from "./cgroup-ways.ts";
import { firstId } from "./id-mappings.ts";
import { hasNamespace, NAMESPACE_FLAGS } from "./namespaces.ts";

/** A container that a process comes to. */
export interface Joined {
  /** Its init. */
  pid: number;
  startTime: string;
  /** Types of the namespaces that init is in and the caller is not. */
  namespaces: readonly NamespaceType[];
  /** Where the process goes in each hierarchy. */
  cgroups: readonly CgroupDirectory[];
  /** Whether it may stay where it is if the caller may not put it there. */
  cgroupOptional: boolean;
  /** Descriptors from 3 up that the program inherits. */
  preserveFds: number;
}

const INIT = "$container";

export interface JoinClause {
  /** By the host, before anything is made. */
  hold: readonly Step[];
  clone: readonly Step[];
  /** By the process for itself, with the caller's rights. */
  begin: readonly Step[];
  enter: readonly Step[];
  cgroup: CgroupWays;
}

export function join(config: Config, facts: HostFacts, joined: Joined): JoinClause {
  const { pid, startTime, namespaces: types, preserveFds } = joined;
  const hasRoot = hasNamespace(config, "mount");
  const cgroup = cgroupWay(facts, joined);
  let flags = 0;
  for (const type of types) flags |= NAMESPACE_FLAGS[type];
  const clone = cloneInit({ flags: 0, text: "joins", by: "host", cgroup: cgroup.birthplace });
  const ids = { uid: firstId(config, "uid"), gid: firstId(config, "gid") };
  return {
    hold: [
      step("host", holdInit({ pid, startTime, into: INIT }), ""),
      ...(hasRoot ? [] : [step("host", openContainerRoot({ pid }), "")]),
    ],
    clone: [step("host", clone, "")],
    begin: [
      step("init", closeOthers({ preserve: preserveFds }), ""),
      ...(isLabelled(config) ? [step("init", openOwnProc({}), "")] : []),
    ],
    enter: [
      step("init", joinNamespaces({ from: INIT, flags, types }), "/linux/namespaces"),
      ...(types.includes("user") ? [step("init", becomeRoot(ids), "/linux/namespaces")] : []),
      step("init", hasRoot ? openRoot({}) : chrootHere({}), ""),
    ],
    cgroup,
  };
}

function isLabelled({ process }: Config): boolean {
  return (process?.apparmorProfile || process?.selinuxLabel || "") !== "";
}

/** As a container's init, but born in its cgroup of v2: its memory is next to nothing. */
function cgroupWay(facts: HostFacts, { cgroups, cgroupOptional }: Joined): CgroupWays {
  const [unified] = cgroups;
  if (facts.cgroup.mode !== "v2" || cgroupOptional || unified === undefined) {
    return cgroupWays(cgroups, facts, { optional: cgroupOptional, because: "" });
  }
  const { directory } = unified;
  const open = step("host", cgroupOpenBirthplace({ directory, into: "$cgroup" }), "");
  const none = { enter: [], enterMemory: [], join: [], joinMemory: [] };
  return { ...none, open: [open], birthplace: "$cgroup" };
}
