// The state of a container (runtime.md#state).

import type { Place } from "../store/directory.ts";
import { type ContainerRecord, readRecord } from "../store/record.ts";
import { readFile } from "../sys/file.ts";
import { OCI_VERSION } from "../version.ts";
import { type Status, statusOf } from "./status.ts";

export interface ContainerState {
  ociVersion: string;
  id: string;
  /** 0 when stopped. */
  pid: number;
  status: Status;
  bundle: string;
  rootfs: string;
  /** RFC 3339, UTC. */
  created: string;
  annotations?: Record<string, string>;
  /** Name of the user who created it. */
  owner: string;
}

/** @throws StateError when there is no such container */
export function state(place: Place): ContainerState {
  return stateFrom(place, readRecord(place));
}

/** The state that a record and the kernel give together. */
export function stateFrom(place: Place, record: ContainerRecord | undefined): ContainerState {
  const status = statusOf(place, record);
  return {
    ociVersion: OCI_VERSION,
    id: place.id,
    pid: status === "stopped" ? 0 : (record?.init?.pid ?? 0),
    status,
    bundle: record?.bundle ?? "",
    rootfs: record?.rootfs ?? "",
    created: record?.created ?? "",
    ...(record?.annotations && { annotations: record.annotations }),
    owner: record === undefined ? "" : userName(record.ownerUid),
  };
}

/** The name of a user of the host; the number if it has none. */
function userName(uid: number): string {
  if (uid === 0) return "root";
  const passwd = readFile("/etc/passwd");
  const line = passwd.split("\n").find((one) => one.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? `#${uid}`;
}
