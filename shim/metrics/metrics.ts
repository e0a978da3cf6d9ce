// A container's statistics as containerd's messages.

import { StateError } from "../../runtime/errors.ts";
import { measured } from "../../runtime/lifecycle/stats.ts";
import type { Place } from "../../runtime/store/directory.ts";
import type { Any } from "../proto/common.ts";
import type { GivenOf } from "../proto/message.ts";
import { StatusError } from "../ttrpc/status.ts";

/** @throws StatusError when the container has no cgroup any more */
export function metricsOf(place: Place): GivenOf<typeof Any> {
  try {
    measured(place);
  } catch (error) {
    if (error instanceof StateError) {
      throw new StatusError("not found", "cgroup does not exist: not found");
    }
    throw error;
  }
  throw new StatusError("unimplemented", "statistics");
}
