// resume: the processes of a paused container go on.

import { thaw } from "../cgroup/freezer.ts";
import { StateError } from "../errors.ts";
import { lockDirectory, type Place } from "../store/directory.ts";
import { readRecord } from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { statusOf } from "./status.ts";

/** @throws StateError when it is not paused */
export function resume(place: Place): void {
  const lock = lockDirectory(place);
  try {
    const record = readRecord(place);
    if (record === undefined || statusOf(place, record) !== "paused") {
      throw new StateError("container not paused");
    }
    thaw(record.cgroups);
  } finally {
    closeFd(lock);
  }
}
