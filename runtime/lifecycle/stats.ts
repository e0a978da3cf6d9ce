// What a container has used so far.

import { exists } from "../cgroup/files.ts";
import type { CgroupDirectory } from "../cgroup/paths.ts";
import { placesOf } from "../cgroup/places.ts";
import { readStats } from "../cgroup/read-stats.ts";
import type { Stats } from "../cgroup/stats.ts";
import { RuntimeError, StateError } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { probeHost } from "../host/probe.ts";
import type { Log } from "../log.ts";
import { idsBelow, type Place } from "../store/directory.ts";
import { type ContainerRecord, readRecord } from "../store/record.ts";
import { listDirectory } from "../sys/directory.ts";
import type { RdtFiles, RdtStats } from "./rdt-stats.ts";
import { statusOf } from "./status.ts";
import { textIfThere } from "./text-if-there.ts";

/** As `runc events` has it. */
export interface ContainerStats extends Stats {
  intel_rdt: RdtStats;
  network_interfaces: null;
}

/** A container whose statistics can be read again and again. */
export interface Measured {
  record: ContainerRecord;
  places: readonly CgroupDirectory[];
  layout: "v1" | "v2";
  read(): ContainerStats;
}

/** @throws StateError when it has no processes */
export function measured(place: Place): Measured {
  const record = readRecord(place);
  const status = statusOf(place, record);
  if (record === undefined || status === "stopped" || status === "creating") {
    throw new StateError(`container with id ${place.id} is not running`);
  }
  const facts = probeHost();
  const { cgroup } = facts;
  const places = placesOf(record.cgroups, cgroup);
  const layout = cgroup.mode === "v2" ? "v2" : "v1";
  const readRdt = rdtReader(place, facts);
  const read = (): ContainerStats => ({
    ...readStats(places, layout),
    intel_rdt: readRdt(),
    network_interfaces: null,
  });
  return { record, places, layout, read };
}

/** What resctrl says of the container. Most hosts have no resctrl, so what reads it is loaded late. */
function rdtReader(place: Place, { resctrl }: HostFacts): () => RdtStats {
  if (resctrl === null) return () => ({});
  const { rdtPlace }: typeof import("./rdt-place.ts") = require("./rdt-place.ts");
  const { rdtStats }: typeof import("./rdt-stats.ts") = require("./rdt-stats.ts");
  const found = rdtPlace(place, resctrl);
  return () => (found === undefined ? {} : rdtStats(RDT_FILES, found));
}

const RDT_FILES: RdtFiles = {
  read: (path) => textIfThere(path) ?? "",
  names: (path) => (exists(path) ? listDirectory(path).map(({ name }) => name) : []),
};

/** All containers below a state root that have processes; one that cannot be read is a warning. */
export function allMeasured(root: string, log: Log): (ContainerStats & { id: string })[] {
  return idsBelow(root).flatMap((id) => {
    try {
      const status = statusOf({ root, id }, readRecord({ root, id }));
      if (status === "stopped" || status === "creating") return [];
      return [{ id, ...measured({ root, id }).read() }];
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      // It may just have ended.
      log.warn(`container "${id}" is left out: ${error.message}`);
      return [];
    }
  });
}
