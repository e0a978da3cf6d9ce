// linux.uidMappings and linux.gidMappings (config-linux.md#user-namespace-mappings): which ids the
// container's user namespace has, who may say so, and what a mapping has to be.

import type { Config, IDMapping } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { MAP_BYTES_MAX, MAP_LINES_MAX, mapIds, mapText } from "../ops/id-map.ts";
import type { Op } from "../ops/op.ts";
import { type Container, pointerTo } from "./container.ts";

type Kind = "uid" | "gid";

const SPEC = "config-linux.md#user-namespace-mappings";

/**
 * Whether an id of the container means anything. Without a user namespace, and in a joined one whose
 * mappings the configuration does not tell, every id is taken to.
 */
export function mapsId(config: Config, kind: Kind, id: number): boolean {
  const mappings = mappingsOf(config, kind);
  if (!hasUserNamespace(config) || mappings.length === 0) return true;
  return mappings.some((mapping) => covers(mapping, "containerID", id));
}

/** The id that init takes to make the container: root where it is mapped, else the first there is. */
export function firstId(config: Config, kind: Kind): number {
  if (mapsId(config, kind, 0)) return 0;
  return Math.min(...mappingsOf(config, kind).map(({ containerID }) => containerID));
}

/**
 * The caller's id for one of the container's, where the configuration tells: undefined for one that
 * is not mapped, and in a joined user namespace.
 */
export function callerId(config: Config, kind: Kind, id: number): number | undefined {
  if (!hasUserNamespace(config)) return id;
  return isJoined(config) ? undefined : mappedId(config, kind, id);
}

/** The same by the mappings alone, which in a joined user namespace may be others. */
export function mappedId(config: Config, kind: Kind, id: number): number | undefined {
  const mapping = mappingsOf(config, kind).find((one) => covers(one, "containerID", id));
  return mapping && mapping.hostID + id - mapping.containerID;
}

/** Whether the kernel forbids setgroups(2) in the new user namespace (user_namespaces(7)). */
export function deniesSetgroups(config: Config, facts: HostFacts): boolean {
  return !mayMapAny(facts) && isOwnId(mappingsOf(config, "gid"), facts.gid);
}

/** Writes the maps of the new user namespace that a process is in. */
export function mapIdsOf(
  process: "init" | "joiner",
  config: Config,
  { facts, container }: { facts: HostFacts; container: Container },
): Op {
  const uids = mappingsOf(config, "uid");
  const gids = mappingsOf(config, "gid");
  const { newuidmap, newgidmap } = container.idMappers;
  const privileged = mayMapAny(facts);
  return mapIds({
    process,
    uidMappings: uids,
    gidMappings: gids,
    uidHelper: privileged || isOwnId(uids, facts.uid) ? null : newuidmap,
    gidHelper: privileged || isOwnId(gids, facts.gid) ? null : newgidmap,
    denySetgroups: deniesSetgroups(config, facts),
  });
}

/** What is wrong with the mappings, and with ids of the process that are not mapped. */
export function idMappingProblems(
  config: Config,
  { facts, container }: { facts: HostFacts; container: Container },
): Problem[] {
  if (!hasUserNamespace(config)) return [];
  const kinds = ["uid", "gid"] as const;
  return [
    ...kinds.flatMap((kind) => mapProblems(mappingsOf(config, kind), `/linux/${kind}Mappings`)),
    ...kinds.flatMap((kind) => helperProblems(kind, config, { facts, container })),
    ...processProblems(config, facts),
  ];
}

function hasUserNamespace({ linux }: Config): boolean {
  return linux?.namespaces?.some(({ type }) => type === "user") ?? false;
}

function isJoined({ linux }: Config): boolean {
  return linux?.namespaces?.some(({ type, path = "" }) => type === "user" && path !== "") ?? false;
}

export function mappingsOf({ linux }: Config, kind: Kind): readonly IDMapping[] {
  return linux?.[`${kind}Mappings`] ?? [];
}

function covers(mapping: IDMapping, side: "containerID" | "hostID", id: number): boolean {
  return id >= mapping[side] && id < mapping[side] + mapping.size;
}

/** Anyone may map the one id that they have; more takes privileges or the set-user-ID helpers. */
function isOwnId(mappings: readonly IDMapping[], id: number): boolean {
  const [first] = mappings;
  return mappings.length === 1 && first?.size === 1 && first.hostID === id;
}

function mayMapAny({ capabilities }: HostFacts): boolean {
  return ["CAP_SETUID", "CAP_SETGID"].every((name) => capabilities.includes(name));
}

/** What the kernel would not take of one map. */
export function mapProblems(mappings: readonly IDMapping[], pointer: string): Problem[] {
  const text = mapText(mappings);
  const problems: Problem[] = [];
  if (mappings.length > MAP_LINES_MAX || text.length > MAP_BYTES_MAX) {
    const found = `found ${mappings.length} mappings, ${text.length} bytes as the kernel reads them`;
    const message = `${found}; wanted at most ${MAP_LINES_MAX}, and at most ${MAP_BYTES_MAX} bytes`;
    problems.push({ pointer, message, spec: SPEC, hint: "join ranges that follow each other" });
  }
  for (const [index, mapping] of mappings.entries()) {
    const earlier = mappings.slice(0, index);
    const wrong = mappingFault(mapping, earlier);
    if (wrong === undefined) continue;
    problems.push({ pointer: pointerTo(pointer, index), message: wrong, spec: SPEC });
  }
  return problems;
}

function mappingFault(mapping: IDMapping, earlier: readonly IDMapping[]): string | undefined {
  if (mapping.size === 0) return "found size 0, wanted at least 1";
  for (const side of ["containerID", "hostID"] as const) {
    const last = mapping[side] + mapping.size - 1;
    // The highest number means "no id" (chown(2)).
    if (last >= 0xffffffff) return `found a range up to ${side} ${last}, wanted at most 4294967294`;
    const other = earlier.findIndex(
      (one) => one[side] <= last && one[side] + one.size > mapping[side],
    );
    if (other >= 0) return `found a range of ${side} that overlaps mapping ${other}`;
  }
  return undefined;
}

function helperProblems(
  kind: Kind,
  config: Config,
  { facts, container }: { facts: HostFacts; container: Container },
): Problem[] {
  const mappings = mappingsOf(config, kind);
  const helper = container.idMappers[`new${kind}map`];
  const isNeeded = !mayMapAny(facts) && !isOwnId(mappings, facts[kind]);
  if (isJoined(config) || mappings.length === 0 || !isNeeded || helper !== null) return [];
  return [
    {
      pointer: `/linux/${kind}Mappings`,
      message: `an ordinary user needs the program new${kind}map for this, and it is not in $PATH`,
      hint: `install it (Debian: package uidmap), or map the one id ${facts[kind]}`,
    },
  ];
}

function processProblems(config: Config, facts: HostFacts): Problem[] {
  const { uid, gid, additionalGids = [] } = config.process?.user ?? { uid: 0, gid: 0 };
  const hint = "add a mapping that covers it";
  const asked = [
    { kind: "uid" as const, id: uid, pointer: "/process/user/uid" },
    { kind: "gid" as const, id: gid, pointer: "/process/user/gid" },
    ...additionalGids.map((id, index) => ({
      kind: "gid" as const,
      id,
      pointer: pointerTo("/process/user/additionalGids", index),
    })),
  ];
  const unmapped = asked
    .filter(({ kind, id }) => config.process !== undefined && !mapsId(config, kind, id))
    .map(({ kind, id, pointer }): Problem => {
      const message = `the ${kind} ${id} is not mapped in the container's user namespace`;
      return { pointer, message, hint, spec: SPEC };
    });
  if (additionalGids.length === 0 || isJoined(config) || !deniesSetgroups(config, facts)) {
    return unmapped;
  }
  const message = "an ordinary user who maps one group alone cannot set additional groups";
  return [...unmapped, { pointer: "/process/user/additionalGids", message, spec: SPEC }];
}
