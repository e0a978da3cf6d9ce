// What a shim that was killed has left of a container, undone.

import { deleteContainer } from "../../runtime/lifecycle/delete.ts";
import { createLog } from "../../runtime/log.ts";
import { unmountRootfs } from "../rootfs.ts";
import { readExitRecord } from "../task/exit-record.ts";
import type { Moment } from "../timestamp.ts";
import type { Environment } from "./start.ts";

/** How a container ended, as far as the shim had written it down. */
export interface Remains {
  pid: number;
  exit?: { status: number; at: Moment };
}

/** @param bundle absolute path */
export function cleanUp(id: string, bundle: string, environment: Environment): Remains {
  const record = readExitRecord(bundle);
  if (record === undefined) return { pid: 0 };
  const { root, pid, exit } = record;
  const log = createLog({ format: "text", level: "error" });
  deleteContainer({ root, id, force: true, environment, log });
  unmountRootfs(`${bundle}/rootfs`);
  if (exit === undefined) return { pid };
  const { status, seconds, nanos } = exit;
  return { pid, exit: { status, at: { seconds: BigInt(seconds), nanos } } };
}
