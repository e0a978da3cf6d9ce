// mounts (config.md#mounts): filesystems and trees of the host, in the order listed.

import type { Config, Mount } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { mountFilesystem } from "../ops/filesystem.ts";
import { mountTree, openTree, setAttributes } from "../ops/mount.ts";
import { type MountIdMap, mapTree } from "../ops/mount-id-map.ts";
import { remount } from "../ops/remount.ts";
import { openTreeInside, takeTree } from "../ops/tree-inside.ts";
import { warn } from "../ops/warn.ts";
import { type Step, step, type Wait, waits } from "../plan/step.ts";
import { MOUNT_ATTR_RDONLY, type MountAttributes, MS_BIND, MS_SLAVE } from "../sys/mount.ts";
import { cgroupMount } from "./cgroup-mount.ts";
import { type Container, pointerTo } from "./container.ts";
import { mapsId } from "./id-mappings.ts";
import { idMapProblems, isMapped, mountIdMap } from "./mount-id-map.ts";
import { adjustmentsOf, type MountOptions, mountOptions, superblockOf } from "./mount-options.ts";
import { hasNamespace, hasNewNamespace } from "./namespaces.ts";
import { sharesMounts } from "./root.ts";
import { labelledOptions, mountLabelSteps } from "./security-labels.ts";
import { opensInside, treeOpener } from "./tree-opener.ts";

export interface MountsClause {
  /** Trees that have to be opened early, by the {@link treeOpener}, and mappings of ids. */
  open: readonly Step[];
  /** Trees that the host opens in init's mount namespace, before anything is mounted there. */
  openInside: readonly (Step | Wait)[];
  mount: readonly Step[];
  /** What has to be made in a mount before it may be read-only. */
  close: readonly Step[];
  /** Mounts that show the container's cgroup from inside its own cgroup namespace. */
  afterCgroup: readonly Step[];
  problems: readonly Problem[];
}

const SPEC = "config.md#mounts";

export function mounts(config: Config, facts: HostFacts, container: Container): MountsClause {
  const clause = {
    open: [] as Step[],
    openInside: [] as (Step | Wait)[],
    mount: [] as Step[],
    close: [] as Step[],
    afterCgroup: [] as Step[],
    problems: [] as Problem[],
    idMaps: new Map<string, string>(),
  };
  for (const [index, mount] of (config.mounts ?? []).entries()) {
    const pointer = pointerTo("/mounts", index);
    const options = mountOptions(mount.options ?? []);
    clause.problems.push(
      ...problemsOf(mount, options, pointer),
      ...ownerProblems(config, options, pointer),
    );
    const place = { mount, options, index, pointer };
    const wrong = isMapped(place) ? idMapProblems(place, config, facts) : [];
    clause.problems.push(...wrong);
    if (wrong.length > 0) continue;
    if (options.bind !== undefined && !options.remount)
      addTree(clause, config, { ...place, facts, container });
    else if (options.remount) clause.mount.push(step("init", remountOf(place), pointer));
    else if (showsCgroup(mount, facts)) addCgroup(clause, { config, facts, container }, place);
    else addFilesystem(clause, { config, facts }, place);
  }
  return clause;
}

/** On a v2 host the hierarchy has one root, whatever the configuration calls its filesystem. */
function showsCgroup({ type }: Mount, { cgroup }: HostFacts): boolean {
  return type === "cgroup" || (type === "cgroup2" && cgroup.mode === "v2");
}

interface Place {
  mount: Mount;
  options: MountOptions;
  index: number;
  pointer: string;
}

type Lists = {
  open: Step[];
  openInside: (Step | Wait)[];
  mount: Step[];
  close: Step[];
  afterCgroup: Step[];
  problems: Problem[];
  /** Slots of mappings of ids. */
  idMaps: Map<string, string>;
};

function addTree(
  lists: Lists,
  config: Config,
  place: Place & { facts: HostFacts; container: Container },
): void {
  const { mount, options, index, pointer, facts, container } = place;
  const path = absolute(mount.source ?? "", container.bundle);
  const tree = `$tree${index}`;
  const recursive = options.bind === "recursive";
  const idMap = addIdMap(lists, config, place);
  const map = idMap === null ? [] : [mapTree({ tree, path: mount.destination, ...idMap })];
  const source = `${pointer}/source`;
  const open = openTree({ path, otherwise: null, recursive, into: tree });
  if (opensInside(config, facts)) {
    const inside = openTreeInside({ path, recursive, into: tree });
    lists.openInside.push(step("host", inside, source));
    lists.openInside.push(...map.map((op) => step("host", op, pointer)));
    lists.openInside.push(waits("init"), step("init", takeTree({ tree }), source));
  } else if (idMap !== null || isEarly(path, config, container)) {
    lists.open.push(step(treeOpener(facts), open, source));
    lists.open.push(...map.map((op) => step("host", op, pointer)));
  } else lists.mount.push(step("init", open, source));
  if (options.data.length > 0) {
    // As with mount(2), which ignores them: a bind mount has no filesystem of its own.
    const text = `${pointer}/options: a bind mount takes no options of a filesystem: ${options.data.join(",")}`;
    lists.open.push(step("host", warn({ text }), `${pointer}/options`));
  }
  // A copy of a shared mount is its peer: what the container mounts there would show on the host.
  const leave: MountAttributes = { set: 0, clear: 0, propagation: MS_SLAVE, recursive: true };
  const adjustments = [...(sharesMounts(config) ? [] : [leave]), ...adjustmentsOf(options)];
  lists.mount.push(
    step("init", mountTree({ tree, path, target: mount.destination, adjustments }), pointer),
  );
}

/**
 * Whether a tree is opened before all mounts. At its turn is better, since the kernel lists mounts by
 * age (6.8); but by then init has not the ids any more that may see it, stands in another mount
 * namespace, or has mounts of its own below the root filesystem that would become part of the tree.
 */
function isEarly(path: string, config: Config, { rootfs }: Container): boolean {
  const overlaps = `${rootfs}/`.startsWith(`${path}/`) || path.startsWith(`${rootfs}/`);
  return (
    overlaps || path === "/" || hasNamespace(config, "user") || !hasNewNamespace(config, "mount")
  );
}

/** The mapping of a mount's ids, made before the clone. */
function addIdMap(lists: Lists, config: Config, place: Place): MountIdMap | null {
  if (!isMapped(place)) return null;
  const { open, idMap } = mountIdMap(place, config, lists.idMaps);
  lists.open.push(...open);
  return idMap;
}

function addFilesystem(
  lists: Lists,
  { config, facts }: { config: Config; facts: HostFacts },
  place: Place,
): void {
  const { mount, options, pointer } = place;
  const { type = "", source = "", destination: target } = mount;
  const data = labelledOptions(config, facts, { type, data: options.data });
  // Devices are made in /dev after it is mounted.
  const isReadonly = (one: { set: number }) => (one.set & MOUNT_ATTR_RDONLY) !== 0;
  const { set } = options.attributes;
  const isFilled = target === "/dev";
  const late = isFilled ? options.adjustments.filter(isReadonly) : [];
  const op = mountFilesystem({
    type,
    source,
    target,
    data,
    attributes: isFilled ? set & ~MOUNT_ATTR_RDONLY : set,
    superblock: superblockOf(type, options),
    adjustments: options.adjustments.filter((one) => !late.includes(one)),
    idMap: addIdMap(lists, config, place),
    copyUp: options.copyUp,
  });
  lists.mount.push(step("init", op, pointer), ...mountLabelSteps(config, facts, { type, target }));
  if (isFilled && isReadonly(options.attributes)) {
    late.unshift({ set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, recursive: false });
  }
  for (const attributes of late) {
    const text = attributes.recursive ? "rro" : "ro";
    const close = setAttributes({ target, attributes, text });
    lists.close.push(step("init", close, `${pointer}/options`));
  }
}

function addCgroup(
  lists: Lists,
  context: { config: Config; facts: HostFacts; container: Container },
  { mount, options, index }: Place,
): void {
  const clause = cgroupMount(context.config, context.facts, {
    mount,
    index,
    attributes: options.attributes.set,
    data: options.data,
    adjustments: options.adjustments,
    container: context.container,
  });
  lists.open.push(...clause.open);
  lists.mount.push(...clause.init);
  lists.afterCgroup.push(...clause.late);
  lists.problems.push(...clause.problems);
}

function remountOf({ mount, options }: Place): Step["op"] {
  const isBind = options.bind !== undefined;
  return remount({
    target: mount.destination,
    attributes: options.attributes,
    flags: options.superblock | (isBind ? MS_BIND : 0),
    data: options.data,
    adjustments: options.adjustments,
  });
}

function absolute(path: string, bundle: string): string {
  return path.startsWith("/") ? path : `${bundle}/${path}`;
}

function problemsOf(mount: Mount, options: MountOptions, pointer: string): Problem[] {
  const problems: Problem[] = [];
  const isBind = options.bind !== undefined;
  if (options.copyUp && (mount.type !== "tmpfs" || isBind || options.remount)) {
    const message = "found tmpcopyup, which only a new mount of type tmpfs can have";
    problems.push({ pointer: `${pointer}/options`, message, spec: SPEC });
  }
  if (!options.remount && isRoot(mount.destination)) {
    problems.push({
      pointer: `${pointer}/destination`,
      message: `found ${JSON.stringify(mount.destination)}, wanted a place below the root filesystem`,
      spec: SPEC,
      hint: "/root/path names what is mounted on /",
    });
  }
  if (isBind && !options.remount && (mount.source ?? "") === "") {
    problems.push({ pointer, message: "a bind mount needs a source", spec: SPEC });
  }
  if (!isBind && !options.remount && (mount.type ?? "") === "") {
    problems.push({ pointer, message: 'needs a type, or the option "bind"', spec: SPEC });
  }
  return problems;
}

/** The kernel refuses an owner that the container's user namespace does not know, as EINVAL. */
function ownerProblems(config: Config, { bind, data }: MountOptions, pointer: string): Problem[] {
  if (bind !== undefined || !hasNamespace(config, "user")) return [];
  return data.flatMap((option) => {
    const [, kind, id] = /^(uid|gid)=(\d+)$/.exec(option) ?? [];
    if ((kind !== "uid" && kind !== "gid") || mapsId(config, kind, Number(id))) return [];
    return {
      pointer: `${pointer}/options`,
      message: `found ${option}, wanted an id that /linux/${kind}Mappings has`,
      spec: "config-linux.md#user-namespace-mappings",
      hint: `leave ${option} out, or map the id`,
    };
  });
}

/** Whether a path means the root, as far as its text tells. */
function isRoot(path: string): boolean {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.length === 0;
}
