// containerd-shim-runt-v2: what containerd asks of it on the command line.

import { RuntimeError } from "../runtime/errors.ts";
import { containerId } from "../runtime/lifecycle/container-id.ts";
import { print, printError } from "../runtime/print.ts";
import { COMMIT, VERSION } from "../runtime/version.ts";
import { parseArguments, type ShimArguments } from "./launch/arguments.ts";

/** Does what the words of a command line say. Returns in a shim, to which the engine's loop leads back. */
export function main(words: readonly string[]): void {
  let live: (() => void) | undefined;
  try {
    live = act(parseArguments(words));
  } catch (error) {
    const isExpected = error instanceof RuntimeError;
    const text = error instanceof Error ? error.message : String(error);
    printError(`containerd-shim-runt-v2: ${text}${isExpected ? "" : " (hint: this is a bug)"}`);
    process.exit(1);
  }
  if (live === undefined) process.exit(0);
  live();
}

/** Returns what is to be done as long as a shim lives, in one. */
function act(given: ShimArguments): (() => void) | undefined {
  const { version, info, namespace, id, action } = given;
  if (version) print(`containerd-shim-runt-v2 ${VERSION} (commit ${COMMIT})`);
  else if (info) tellInfo();
  else if (action !== "start" && action !== "delete") throw notForUsers(action);
  else if (namespace === "") throw new RuntimeError("-namespace is missing");
  else if (id === "") throw new RuntimeError("-id is missing");
  else if (action === "start") return startShim({ ...given, id: containerId(id) });
  else deleteTask({ ...given, id: containerId(id) });
  return undefined;
}

function notForUsers(action: string): RuntimeError {
  const what = action === "" ? "no action" : `unknown action "${action}"`;
  return new RuntimeError(
    `${what}, wanted start or delete (hint: containerd runs this program, for containers whose runtime is io.containerd.runt.v2)`,
  );
}

function startShim(given: ShimArguments): (() => void) | undefined {
  const { start }: typeof import("./launch/start.ts") = require("./launch/start.ts");
  return start(given, process.env);
}

function deleteTask(given: ShimArguments): void {
  const launch: typeof import("./launch/delete.ts") = require("./launch/delete.ts");
  launch.deleteTask(given, process.env);
}

function tellInfo(): void {
  const launch: typeof import("./launch/info.ts") = require("./launch/info.ts");
  launch.tellInfo();
}
