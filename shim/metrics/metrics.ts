// A container's statistics as containerd's messages.

import { exists } from "../../runtime/cgroup/files.ts";
import type { CgroupLayout } from "../../runtime/cgroup/layout.ts";
import { placesOf } from "../../runtime/cgroup/places.ts";
import { controlFiles } from "../../runtime/cgroup/read-stats.ts";
import { probeHost } from "../../runtime/host/probe.ts";
import type { Place } from "../../runtime/store/directory.ts";
import { readRecord } from "../../runtime/store/record.ts";
import { readFile } from "../../runtime/sys/file.ts";
import type { Any } from "../proto/common.ts";
import { encode } from "../proto/encode.ts";
import type { GivenOf } from "../proto/message.ts";
import { MetricsV1 } from "../proto/metrics-v1.ts";
import { MetricsV2 } from "../proto/metrics-v2.ts";
import { StatusError } from "../ttrpc/status.ts";
import { metricsV1 } from "./v1.ts";
import { metricsV2 } from "./v2.ts";

/**
 * What a container has used, for as long as it has a cgroup: also after its end, when containerd asks
 * whether memory was short.
 * @throws StatusError when there is no cgroup any more
 */
export function metricsOf(place: Place): GivenOf<typeof Any> {
  const layout = hostLayout();
  const places = placesOf(readRecord(place)?.cgroups ?? [], layout);
  if (!places.some(({ directory }) => exists(directory))) {
    throw new StatusError("not found", "cgroup does not exist: not found");
  }
  if (layout.mode === "v2") {
    const metrics = metricsV2(controlFiles(places, "v2"));
    return { typeUrl: MetricsV2.name, value: encode(MetricsV2, metrics) };
  }
  const metrics = metricsV1(controlFiles(places, "v1"), readFile("/proc/partitions"));
  return { typeUrl: MetricsV1.name, value: encode(MetricsV1, metrics) };
}

let known: CgroupLayout | undefined;

/** Hierarchies stay as they are, and the list of mounts that tells them can be long. */
function hostLayout(): CgroupLayout {
  known ??= probeHost().cgroup;
  return known;
}
