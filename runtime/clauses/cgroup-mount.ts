// Mounts of type cgroup: what of the cgroup hierarchies a container sees.

import { type CgroupDirectory, containerCgroups } from "../cgroup/paths.ts";
import type { Config, Mount } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { mountFilesystem } from "../ops/filesystem.ts";
import { mountTree, openCgroupTree, setAttributes } from "../ops/mount.ts";
import { makeDirectory, makeSymlink } from "../ops/node.ts";
import { type Step, step } from "../plan/step.ts";
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_RDONLY,
  type MountAttributes,
  MS_PRIVATE,
} from "../sys/mount.ts";
import type { Container } from "./container.ts";
import { treeOpener } from "./tree-opener.ts";

export interface CgroupMountClause {
  /** After the container's cgroup has been made, by the {@link treeOpener}. */
  readonly open: readonly Step[];
  /** At the mount's place among the others. */
  readonly init: readonly Step[];
  /** After init's last join and after its cgroup namespace is its own. */
  readonly late: readonly Step[];
  readonly problems: readonly Problem[];
}

export interface CgroupMountPlace {
  mount: Mount;
  /** Index in `mounts`. */
  index: number;
  /** MOUNT_ATTR_* of the mount's options. */
  attributes: number;
  /** Options that are the filesystem's own. */
  data: readonly string[];
  /** Propagation and recursive attributes of the mount's options. */
  adjustments: readonly MountAttributes[];
  container: Pick<Container, "id" | "systemd">;
}

/**
 * With a cgroup namespace the filesystems are mounted anew: their root is then the container's own
 * cgroup, which the kernel takes from where init stands. Without one, v1 shows the container's own
 * directories, bound, and v2 the host's tree, also bound: a new mount of cgroup2 in the initial
 * namespace would reset the host's nsdelegate and memory_recursiveprot (cgroup-v2.rst).
 */
export function cgroupMount(
  config: Config,
  facts: HostFacts,
  place: CgroupMountPlace,
): CgroupMountClause {
  const wrong = mountProblems(place, facts);
  if (wrong.length > 0) return { open: [], init: [], late: [], problems: wrong };
  const ownNamespace = config.linux?.namespaces?.some(({ type }) => type === "cgroup") ?? false;
  const views = viewsOf(config, facts, place);
  const because = `/mounts/${place.index}`;
  const init = (op: Step["op"]) => step("init", op, because);
  if (ownNamespace) {
    const mounts = views.map((view) => init(mountNew(view, place)));
    const early = [init(makeDirectory({ path: place.mount.destination }))];
    return { open: [], init: early, late: around(mounts, { views, place, facts }), problems: [] };
  }
  const mounts = views.map((view) => init(mountBound(view, place)));
  return {
    open: views.map(({ path, otherwise, slot }) =>
      step(
        treeOpener(facts),
        openCgroupTree({ path, otherwise, recursive: false, into: slot }),
        because,
      ),
    ),
    init: around(mounts, { views, place, facts }),
    late: [],
    problems: [],
  };
}

function mountProblems({ data, index }: CgroupMountPlace, facts: HostFacts): Problem[] {
  const pointer = `/mounts/${index}`;
  const { mode } = facts.cgroup;
  if (mode === "none") {
    return [{ pointer, message: "the host has no cgroup filesystem mounted to show" }];
  }
  if (mode === "v2" || data.length === 0) return [];
  const message = `a mount of type cgroup takes no options of its own: found ${data.join(",")}`;
  return [{ pointer: `${pointer}/options`, message }];
}

/** One hierarchy as the container sees it. */
interface View {
  type: "cgroup" | "cgroup2";
  controllers: readonly string[];
  /** Directory of the host that is bound where there is no cgroup namespace. */
  path: string;
  /** The caller's own, where an ordinary user could not make one for the container. */
  otherwise: string | null;
  slot: string;
  target: string;
}

function viewsOf(config: Config, facts: HostFacts, place: CgroupMountPlace): View[] {
  const { destination } = place.mount;
  const slot = (number: number) => `$cgroup${place.index}.${number}`;
  const directories = containerCgroups(facts.cgroup, config.linux?.cgroupsPath, place.container);
  if (facts.cgroup.mode === "v2") {
    return directories.map(({ controllers, mount: path }) => {
      const target = destination;
      return { type: "cgroup2", controllers, path, otherwise: null, slot: slot(0), target };
    });
  }
  return directories.map((one, number) => ({
    type: one.controllers.length === 0 ? "cgroup2" : "cgroup",
    controllers: one.controllers,
    path: one.directory,
    otherwise: isRootless(facts) ? `${one.mount}${one.own}` : null,
    slot: slot(number),
    target: `${destination}/${nameOf(one)}`,
  }));
}

/** Where the caller may not have made the container's cgroup. */
function isRootless({ uid, userNamespace }: HostFacts): boolean {
  return uid !== 0 || userNamespace;
}

/** The name on the host, such as "cpu,cpuacct"; programs look for cgroup2 at "unified". */
function nameOf({ controllers, mount }: CgroupDirectory): string {
  return controllers.length === 0 ? "unified" : mount.slice(mount.lastIndexOf("/") + 1);
}

function mountNew({ type, controllers, target }: View, place: CgroupMountPlace) {
  const data = type === "cgroup2" ? place.data : controllers;
  const { attributes } = place;
  return mountFilesystem({
    type,
    source: "cgroup",
    target,
    data,
    attributes,
    superblock: 0,
    idMap: null,
    copyUp: false,
    adjustments: place.adjustments,
  });
}

function mountBound({ slot, path, target }: View, { attributes, adjustments }: CgroupMountPlace) {
  const own: MountAttributes = {
    set: attributes,
    clear: MOUNT_ATTR__ATIME,
    propagation: MS_PRIVATE,
    recursive: false,
  };
  return mountTree({ tree: slot, path, target, adjustments: [own, ...adjustments] });
}

interface Surroundings {
  views: readonly View[];
  place: CgroupMountPlace;
  facts: HostFacts;
}

/** v1's hierarchies stand in a tmpfs, with a link for each of several controllers in one. */
function around(mounts: readonly Step[], { views, place, facts }: Surroundings): Step[] {
  if (facts.cgroup.mode === "v2") return [...mounts];
  const target = place.mount.destination;
  const because = `/mounts/${place.index}`;
  const tmpfs = mountFilesystem({
    type: "tmpfs",
    source: "tmpfs",
    target,
    data: ["mode=755"],
    attributes: place.attributes & ~MOUNT_ATTR_RDONLY,
    superblock: 0,
    idMap: null,
    copyUp: false,
    adjustments: place.adjustments.map((one) => ({ ...one, set: one.set & ~MOUNT_ATTR_RDONLY })),
  });
  const list = [step("init", tmpfs, because), ...mounts, ...linkSteps(views, place)];
  if (!isReadOnly(place)) return list;
  const readOnly = { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, recursive: false };
  const close = setAttributes({ target, attributes: readOnly, text: "ro" });
  return [...list, step("init", close, because)];
}

function isReadOnly({ attributes, adjustments }: CgroupMountPlace): boolean {
  return [attributes, ...adjustments.map(({ set }) => set)].some(
    (set) => (set & MOUNT_ATTR_RDONLY) !== 0,
  );
}

function linkSteps(views: readonly View[], { mount, index }: CgroupMountPlace): Step[] {
  return views
    .filter(({ controllers }) => controllers.length > 1)
    .flatMap(({ controllers, target }) => {
      const to = target.slice(target.lastIndexOf("/") + 1);
      return controllers.map((name) => {
        const path = `${mount.destination}/${name}`;
        return step(
          "init",
          makeSymlink({ path, to, existing: "keep", ifThere: false }),
          `/mounts/${index}`,
        );
      });
    });
}
