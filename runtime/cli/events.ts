// runt events

import { RuntimeError } from "../errors.ts";
import { jsonText } from "../json-text.ts";
import { containerId } from "../lifecycle/container-id.ts";
import { type ContainerEvent, events, statsEvent } from "../lifecycle/events.ts";
import { print } from "../print.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { durationMs } from "./duration.ts";

/** Prints events as lines of JSON until the container ends; with --stats, its statistics once. */
export function eventsCommand(given: Arguments, { root, log }: Surroundings): number {
  const place = { root, id: containerId(given.positionals[0] ?? "") };
  const interval = given.text("interval") ?? "5s";
  const intervalMs = durationMs(interval);
  if (intervalMs === undefined) {
    throw new RuntimeError(`--interval ${interval}: wanted a duration such as 5s or 1m30s`);
  }
  if (intervalMs <= 0) throw new RuntimeError("duration interval must be greater than 0");
  const emit = (event: ContainerEvent): void => print(jsonText(event));
  if (given.on("stats")) emit(statsEvent(place));
  else events({ ...place, intervalMs, log, emit });
  return 0;
}
