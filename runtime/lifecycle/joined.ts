// Which container a process comes to, and where in it.

import { frozen } from "../cgroup/frozen.ts";
import type { CgroupDirectory } from "../cgroup/paths.ts";
import { placesOf } from "../cgroup/places.ts";
import type { Joined } from "../clauses/join.ts";
import { RuntimeError, StateError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { missing, type Place } from "../store/directory.ts";
import { type ContainerRecord, type ProcessIdentity, readRecord } from "../store/record.ts";
import { AT_FDCWD, readFile } from "../sys/file.ts";
import { statusAt } from "../sys/status.ts";
import { otherNamespaces } from "./own-namespace.ts";
import { isAlive } from "./status.ts";

interface Joinable {
  record: ContainerRecord;
  init: ProcessIdentity;
}

/**
 * A container that processes may come to.
 * @throws StateError in the words of runc, whose callers look for them
 */
export function joinable(place: Place & { ignorePaused: boolean }): Joinable {
  const record = readRecord(place);
  if (record === undefined) throw missing(place);
  const { init, phase, cgroups } = record;
  if (init === undefined || !isAlive(init)) {
    throw new StateError("cannot exec in a stopped container");
  }
  if (phase === "creating") {
    throw new StateError("cannot exec in a container that is being created");
  }
  if (!place.ignorePaused && frozen(cgroups)) {
    throw new StateError("cannot exec in a paused container (use --ignore-paused to override)");
  }
  return { record, init };
}

/** What the plan has to know of it. */
export function joinedBy(
  { cgroups: asked, preserveFds }: { cgroups: readonly string[]; preserveFds: number },
  { record, init, facts }: Joinable & { facts: HostFacts },
): Joined {
  const isOrdinary = facts.uid !== 0 || facts.userNamespace;
  // An ordinary user's container may have no cgroup of its own.
  const directories = isOrdinary ? record.cgroups.filter(isThere) : record.cgroups;
  const own = placesOf(directories, facts.cgroup);
  return {
    ...init,
    namespaces: otherNamespaces(init.pid),
    cgroups: asked.length > 0 ? placesBelow(own, asked) : besideInit(own, init),
    cgroupOptional: isOrdinary,
    preserveFds,
  };
}

/**
 * Where processes of the container may be. A cgroup of v2 that passes controllers on takes none: the
 * container has made cgroups below its own, and init is in one of them (cgroup-v2.rst, "No Internal
 * Process Constraint").
 */
function besideInit(own: readonly CgroupDirectory[], { pid }: ProcessIdentity): CgroupDirectory[] {
  return own.map((place) => {
    const { controllers, mount, directory } = place;
    const file = `${directory}/cgroup.subtree_control`;
    if (controllers.length > 0 || !isThere(file) || readFile(file).trim() === "") return place;
    const [, path = ""] = /^0::(.*)$/m.exec(readFile(`/proc/${pid}/cgroup`)) ?? [];
    const current = `${mount}${path}`;
    return current.startsWith(`${directory}/`) ? { ...place, directory: current } : place;
  });
}

/** Of `CONTROLLER[,CONTROLLER]:PATH` the last one counts for each hierarchy, as with runc. */
function placesBelow(own: readonly CgroupDirectory[], asked: readonly string[]): CgroupDirectory[] {
  let places = [...own];
  for (const text of asked) {
    const colon = text.indexOf(":");
    const names = colon < 0 ? [] : text.slice(0, colon).split(",");
    const path = cleanPath(text.slice(colon + 1), text);
    for (const name of names) {
      if (own.some(({ controllers }) => controllers.includes(name))) continue;
      throw new RuntimeError(`--cgroup is "${text}", and there is no hierarchy of "${name}"`);
    }
    places = places.map((place, index) => {
      const isMeant = colon < 0 || place.controllers.some((name) => names.includes(name));
      return isMeant ? { ...place, directory: `${own[index]?.directory}${path}` } : place;
    });
  }
  const absent = places.find(({ directory }) => !isThere(directory));
  if (absent === undefined) return places;
  throw new RuntimeError(`--cgroup: there is no ${absent.directory}`);
}

/** `/a/b`, or nothing for the container's own; `..` has no place in it. */
function cleanPath(path: string, text: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) {
    throw new RuntimeError(`--cgroup is "${text}", wanted a path below the container's cgroup`);
  }
  return parts.map((part) => `/${part}`).join("");
}

function isThere(path: string): boolean {
  return typeof statusAt(AT_FDCWD, path) !== "number";
}
