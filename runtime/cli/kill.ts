// runt kill

import { containerId } from "../lifecycle/container-id.ts";
import { kill } from "../lifecycle/kill.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { signalNumber } from "./signal-number.ts";

/** Sends a signal, SIGTERM by default, and prints nothing. */
export function killCommand(given: Arguments, { root }: Surroundings): number {
  const [id, signal] = given.positionals;
  kill({
    root,
    id: containerId(id ?? ""),
    signal: signalNumber(signal ?? "TERM"),
    all: given.on("all"),
  });
  return 0;
}
