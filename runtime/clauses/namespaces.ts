// linux.namespaces (config-linux.md#namespaces): which are new, which are joined, and the clone.

import type { Config, Namespace } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { checkIds } from "../ops/id-map.ts";
import { becomeRoot } from "../ops/identity.ts";
import {
  adoptInit,
  bringUp,
  cloneInit,
  enterNamespace,
  forkJoiner,
  openNamespace,
  openTimeOffsets,
  setTimeOffsets,
  unshareNamespace,
} from "../ops/namespace.ts";
import { protectProcess } from "../ops/process.ts";
import { type Step, step, type Wait, waits } from "../plan/step.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from "../sys/process.ts";
import { type Container, pointerTo } from "./container.ts";
import { firstId, idMappingProblems, mapIdsOf, mappingsOf } from "./id-mappings.ts";

/** Every type with its flag. */
export const NAMESPACE_FLAGS: Readonly<Record<Namespace["type"], number>> = {
  pid: CLONE_NEWPID,
  network: CLONE_NEWNET,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  mount: CLONE_NEWNS,
  user: CLONE_NEWUSER,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
};

/** Names of the types, as `features` lists them. */
export const NAMESPACE_TYPES: readonly string[] = Object.keys(NAMESPACE_FLAGS);

export interface NamespacesClause {
  /** Opens what is joined by path, before anything is made. */
  open: readonly Step[];
  /** The joiner, where there is one ({@link hasJoiner}), while it is nobody's but the caller's. */
  fork: readonly Step[];
  /** Everything else up to and with the clone of init. */
  clone: readonly (Step | Wait)[];
  /** By the host, after the clone: the ids of a user namespace that init is the first in. */
  map: readonly Step[];
  /** Init goes on when that is done. */
  mapped: readonly Wait[];
  /** For init, early: the root of its user namespace. */
  become: readonly Step[];
  /** For init, early: the loopback interface of a new network namespace. */
  prepare: readonly Step[];
  /** For init, after its last join: the cgroup namespace, whose root is where init stands. */
  unshareCgroup: readonly Step[];
  problems: readonly Problem[];
}

/** Whether the configuration lists a namespace of this type, new or joined. */
export function hasNamespace(config: Config, type: Namespace["type"]): boolean {
  return config.linux?.namespaces?.some((namespace) => namespace.type === type) ?? false;
}

/** Whether what is changed in the container's namespace of this type stays away from the caller. */
export function isolates(config: Config, container: Container, type: Namespace["type"]): boolean {
  return hasNamespace(config, type) && !container.callerNamespaces.includes(type);
}

/** Whether the container's namespace of this type is made for it. */
export function hasNewNamespace(config: Config, type: Namespace["type"]): boolean {
  return config.linux?.namespaces?.some((one) => one.type === type && isNew(one)) ?? false;
}

/** Whether a process between the host and init does what the clone of init cannot. */
export function hasJoiner({ linux }: Config): boolean {
  return linux?.namespaces?.some((one) => !isNew(one) || one.type === "time") ?? false;
}

/**
 * Whether the joiner enters the container's user namespace before it clones init: one that is
 * joined, or a new one that also has to own a new time namespace.
 */
function isClonedInside(config: Config): boolean {
  if (!hasNamespace(config, "user")) return false;
  return !hasNewNamespace(config, "user") || hasNewNamespace(config, "time");
}

function isNew({ path }: Namespace): boolean {
  return path === undefined || path === "";
}

interface Listed extends Namespace {
  flag: number;
  pointer: string;
  slot: string;
}

interface Surroundings {
  facts: HostFacts;
  container: Container;
  /** Slot of the cgroup v2 that init is born in, if it is. */
  birthplace: string | null;
}

export function namespaces(config: Config, surroundings: Surroundings): NamespacesClause {
  const listed = (config.linux?.namespaces ?? []).map((namespace, index) => ({
    ...namespace,
    flag: NAMESPACE_FLAGS[namespace.type],
    pointer: pointerTo("/linux/namespaces", index),
    slot: `$${namespace.type}-namespace`,
  }));
  const joined = listed.filter((one) => !isNew(one));
  const made = listed.filter((one) => isNew(one));
  const ofType = (type: Namespace["type"]) => made.filter((one) => one.type === type);
  const mapsInit = ofType("user").length > 0 && !isClonedInside(config);
  return {
    open: joined.map(({ type, flag, path = "", pointer, slot }) =>
      step("host", openNamespace({ type, flag, path, into: slot }), pointer),
    ),
    fork: hasJoiner(config) ? forkSteps(config) : [],
    clone: cloneSteps(config, { joined, made }, surroundings),
    map: mapsInit
      ? [step("host", mapIdsOf("init", config, surroundings), "/linux/uidMappings")]
      : [],
    mapped: mapsInit ? [waits("init")] : [],
    become: hasNamespace(config, "user") ? [becomeStep(config)] : [],
    prepare: ofType("network").map(({ pointer }) => step("init", bringUp({ name: "lo" }), pointer)),
    unshareCgroup: ofType("cgroup").map(({ type, flag, pointer }) =>
      step("init", unshareNamespace({ type, flag }), pointer),
    ),
    problems: [
      ...privilegeProblems(config, surroundings.facts),
      ...idMappingProblems(config, surroundings),
    ],
  };
}

const OFFSETS = "$time-offsets";

function forkSteps(config: Config): Step[] {
  return [
    step("host", forkJoiner({}), "/linux/namespaces"),
    ...(offsetsOf(config).length === 0
      ? []
      : [step("joiner", openTimeOffsets({ into: OFFSETS }), "/linux/timeOffsets")]),
  ];
}

function cloneSteps(
  config: Config,
  { joined, made }: { joined: readonly Listed[]; made: readonly Listed[] },
  surroundings: Surroundings,
): (Step | Wait)[] {
  const time = made.find(({ type }) => type === "time");
  const inside = isClonedInside(config);
  // The time namespace is entered by children only, and so are its offsets set before the clone.
  const byClone = made.filter(
    ({ type }) => type !== "cgroup" && type !== "time" && !(type === "user" && inside),
  );
  const clone = (by: "host" | "joiner"): Step => {
    let flags = 0;
    for (const { flag } of byClone) flags |= flag;
    const text = byClone.map(({ type }) => type).join(" ");
    const cgroup = surroundings.birthplace;
    return step(by, cloneInit({ flags, text, by, cgroup }), "/linux/namespaces");
  };
  if (!hasJoiner(config)) return [clone("host")];
  // Whoever is in a namespace that is joined may have rights over who comes. An ordinary user who
  // makes the user namespace has to write its maps, and joins nothing.
  const meetsOthers = joined.length > 0 || !hasNamespace(config, "user");
  return [
    ...(meetsOthers ? [step("joiner", protectProcess({}), "")] : []),
    ...joinSteps(joined),
    ...(inside ? enterUserNamespace(config, { joined, made }, surroundings) : []),
    ...lateJoinSteps(joined, inside),
    ...(time === undefined ? [] : timeSteps(config, time)),
    clone("joiner"),
    step("host", adoptInit({}), "/linux/namespaces"),
  ];
}

/**
 * Every namespace that the caller may join; one that only the root of the joined user namespace may
 * enter is left for later.
 */
function joinSteps(joined: readonly Listed[]): Step[] {
  const later = joined.some(({ type }) => type === "user");
  return joined
    .filter(({ type }) => type !== "user")
    .map(({ type, flag, pointer, slot }) =>
      step("joiner", enterNamespace({ type, flag, from: slot, ifAllowed: later }), pointer),
    );
}

function lateJoinSteps(joined: readonly Listed[], inside: boolean): Step[] {
  if (!inside || !joined.some(({ type }) => type === "user")) return [];
  return joined
    .filter(({ type }) => type !== "user")
    .map(({ type, flag, pointer, slot }) =>
      step("joiner", enterNamespace({ type, flag, from: slot, ifAllowed: false }), pointer),
    );
}

function enterUserNamespace(
  config: Config,
  { joined, made }: { joined: readonly Listed[]; made: readonly Listed[] },
  surroundings: Surroundings,
): (Step | Wait)[] {
  const old = joined.find(({ type }) => type === "user");
  const maps = {
    uidMappings: mappingsOf(config, "uid"),
    gidMappings: mappingsOf(config, "gid"),
  };
  if (old !== undefined) {
    const { type, flag, pointer, slot } = old;
    const isTold = maps.uidMappings.length > 0 || maps.gidMappings.length > 0;
    return [
      step("joiner", enterNamespace({ type, flag, from: slot, ifAllowed: false }), pointer),
      ...(isTold ? [step("joiner", checkIds(maps), "/linux/uidMappings")] : []),
    ];
  }
  const pointer = made.find(({ type }) => type === "user")?.pointer ?? "";
  return [
    step("joiner", unshareNamespace({ type: "user", flag: CLONE_NEWUSER }), pointer),
    waits("host"),
    step("host", mapIdsOf("joiner", config, surroundings), "/linux/uidMappings"),
    waits("init"),
  ];
}

function timeSteps(config: Config, { type, flag, pointer }: Listed): Step[] {
  const offsets = offsetsOf(config);
  return [
    step("joiner", unshareNamespace({ type, flag }), pointer),
    ...(offsets.length === 0
      ? []
      : [step("joiner", setTimeOffsets({ offsets, file: OFFSETS }), "/linux/timeOffsets")]),
  ];
}

function offsetsOf({ linux }: Config) {
  const { boottime, monotonic } = linux?.timeOffsets ?? {};
  return Object.entries({ monotonic, boottime }).flatMap(([clock, offset]) =>
    offset === undefined
      ? []
      : [{ clock, secs: String(offset.secs ?? 0), nanosecs: offset.nanosecs ?? 0 }],
  );
}

function becomeStep(config: Config): Step {
  const ids = { uid: firstId(config, "uid"), gid: firstId(config, "gid") };
  const index = config.linux?.namespaces?.findIndex(({ type }) => type === "user") ?? 0;
  return step("init", becomeRoot(ids), pointerTo("/linux/namespaces", index));
}

/** What every container takes, an ordinary user gets in a user namespace only. */
function privilegeProblems(config: Config, facts: HostFacts): Problem[] {
  if (facts.capabilities.includes("CAP_SYS_ADMIN") || hasNamespace(config, "user")) return [];
  return [
    {
      pointer: "/linux/namespaces",
      message: "an ordinary user needs a user namespace to make a container",
      hint: 'add {"type": "user"} with mappings, as "runt spec --rootless" writes them',
    },
  ];
}
