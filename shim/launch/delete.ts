// `delete`: what a shim that is gone has left of a container. containerd runs it after every ordinary
// Delete too, when nothing is left: then it costs little more than the start of the program.

import { printBytes } from "../../runtime/print.ts";
import { encode } from "../proto/encode.ts";
import { DeleteResponse } from "../proto/task.ts";
import { timestampNow } from "../timestamp.ts";
import type { ShimArguments } from "./arguments.ts";
import type { Remains } from "./clean-up.ts";
import type { Environment } from "./start.ts";

/** 128 + SIGKILL: nobody knows better. */
const KILLED = 137;

/** Removes what is there, and prints how the container ended. */
export function deleteTask(given: ShimArguments, environment: Environment): void {
  const { pid, exit } = remainsOf(given, environment);
  const response = encode(DeleteResponse, {
    pid,
    exitStatus: exit?.status ?? KILLED,
    exitedAt: exit?.at ?? timestampNow(),
  });
  printBytes(response);
}

/**
 * The working directory is the bundle. A shim removes `address` from its own when it ends in order,
 * and `runt.json` with the last of a container.
 */
function remainsOf(given: ShimArguments, environment: Environment): Remains {
  const bundle = given.bundle || process.cwd();
  const isLeft = ["address", "runt.json"].some((name) => Bun.file(`${bundle}/${name}`).size > 0);
  if (!isLeft) return { pid: 0 };
  const { cleanUp }: typeof import("./clean-up.ts") = require("./clean-up.ts");
  return cleanUp({ ...given, bundle }, environment);
}
