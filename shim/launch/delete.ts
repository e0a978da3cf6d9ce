// `delete`: what a shim that is gone has left of a container. containerd runs it after every ordinary
// Delete too, when nothing is left: then it costs no more than the start of the program.

import { existsSync, writeSync } from "node:fs";
import { encode } from "../proto/encode.ts";
import { DeleteResponse } from "../proto/task.ts";
import { timestampNow } from "../timestamp.ts";
import type { ShimArguments } from "./arguments.ts";
import type { Remains } from "./clean-up.ts";
import type { Environment } from "./start.ts";

const STDOUT = 1;
/** 128 + SIGKILL: nobody knows better. */
const KILLED = 137;

/** Removes what is there, and prints how the container ended. The bundle is the working directory. */
export function deleteTask({ id, bundle }: ShimArguments, environment: Environment): void {
  const { pid, exit } = remainsOf(id, bundle || process.cwd(), environment);
  const response = encode(DeleteResponse, {
    pid,
    exitStatus: exit?.status ?? KILLED,
    exitedAt: exit?.at ?? timestampNow(),
  });
  writeSync(STDOUT, response);
}

function remainsOf(id: string, bundle: string, environment: Environment): Remains {
  // The shim writes it before it makes anything, and removes it last.
  if (!existsSync(`${bundle}/runt.json`)) return { pid: 0 };
  const { cleanUp }: typeof import("./clean-up.ts") = require("./clean-up.ts");
  return cleanUp(id, bundle, environment);
}
