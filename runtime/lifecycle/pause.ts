// pause: every process of a container is frozen, where it stands.

import { freeze } from "../cgroup/freezer.ts";
import { StateError } from "../errors.ts";
import { lockDirectory, type Place } from "../store/directory.ts";
import { readRecord } from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { statusOf } from "./status.ts";

/** @throws StateError when it is neither created nor running */
export function pause(place: Place): void {
  const lock = lockDirectory(place);
  try {
    const record = readRecord(place);
    const status = statusOf(place, record);
    if (status === "paused") throw new StateError("container not running: it is paused already");
    if (record === undefined || (status !== "running" && status !== "created")) {
      throw new StateError("container not running");
    }
    freeze(record.cgroups);
  } finally {
    closeFd(lock);
  }
}
