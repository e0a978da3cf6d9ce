// `delete`: what a shim that is gone has left of a container. It is run after every ordinary Delete
// as well, when there is nothing left to do.

import { deleteContainer } from "../../runtime/lifecycle/delete.ts";
import { createLog } from "../../runtime/log.ts";
import { writeAll } from "../../runtime/sys/file.ts";
import { encode } from "../proto/encode.ts";
import { DeleteResponse } from "../proto/task.ts";
import { unmountRootfs } from "../rootfs.ts";
import { readExitRecord } from "../task/exit-record.ts";
import { timestampNow } from "../timestamp.ts";
import type { ShimArguments } from "./arguments.ts";
import type { Environment } from "./start.ts";

const STDOUT = 1;
/** 128 + SIGKILL: nobody knows better. */
const KILLED = 137;

/** Removes what is there, and prints how the container ended. The bundle is the working directory. */
export function deleteTask({ id, bundle }: ShimArguments, environment: Environment): void {
  const directory = bundle || process.cwd();
  const record = readExitRecord(directory);
  if (record !== undefined) {
    const log = createLog({ format: "text", level: "error" });
    deleteContainer({ root: record.root, id, force: true, environment, log });
  }
  unmountRootfs(`${directory}/rootfs`);
  const exit = record?.exit;
  const response = encode(DeleteResponse, {
    pid: record?.pid,
    exitStatus: exit?.status ?? KILLED,
    exitedAt:
      exit === undefined ? timestampNow() : { seconds: BigInt(exit.seconds), nanos: exit.nanos },
  });
  writeAll(STDOUT, response);
}
