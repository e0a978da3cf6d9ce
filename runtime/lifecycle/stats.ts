// What a container has used so far.

import type { CgroupDirectory } from "../cgroup/paths.ts";
import { placesOf } from "../cgroup/places.ts";
import { readStats } from "../cgroup/read-stats.ts";
import type { Stats } from "../cgroup/stats.ts";
import { StateError } from "../errors.ts";
import { probeHost } from "../host/probe.ts";
import { idsBelow, type Place } from "../store/directory.ts";
import { type ContainerRecord, readRecord } from "../store/record.ts";
import { statusOf } from "./status.ts";

/** As `runc events` has it. */
export interface ContainerStats extends Stats {
  intel_rdt: object;
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
  const { cgroup } = probeHost();
  const places = placesOf(record.cgroups, cgroup);
  const layout = cgroup.mode === "v2" ? "v2" : "v1";
  const read = (): ContainerStats => ({
    ...readStats(places, layout),
    intel_rdt: {},
    network_interfaces: null,
  });
  return { record, places, layout, read };
}

/** Ids of all containers below a state root that have processes. */
export function idsWithProcesses(root: string): string[] {
  return idsBelow(root).filter((id) => {
    const status = statusOf({ root, id }, readRecord({ root, id }));
    return status !== "stopped" && status !== "creating";
  });
}
