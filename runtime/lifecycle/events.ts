// events: statistics at intervals, and word of the OOM killer, for as long as the container lives.

import { type OomWatch, watchOom } from "../cgroup/oom.ts";
import { RuntimeError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Place } from "../store/directory.ts";
import { closeFd } from "../sys/file.ts";
import { POLLIN, poll } from "../sys/signal.ts";
import { type ContainerStats, type Measured, measured } from "./stats.ts";
import { holdProcess } from "./status.ts";

export type ContainerEvent =
  | { type: "stats"; id: string; data: ContainerStats }
  | { type: "oom"; id: string };

export interface EventsOptions extends Place {
  intervalMs: number;
  log: Log;
  emit(event: ContainerEvent): void;
}

const STDOUT = 1;

/**
 * Tells events until init has ended, or nobody reads standard output any more.
 * @throws StateError when the container has no processes
 */
export function events({ intervalMs, log, emit, ...place }: EventsOptions): void {
  const subject = measured(place);
  const { id } = place;
  const pidfd = subject.record.init && holdProcess(subject.record.init);
  if (pidfd === undefined) return;
  const oom = oomOf(subject, log);
  const tellOoms = (): void => {
    for (let count = oom?.take() ?? 0; count > 0; count--) emit({ type: "oom", id });
  };
  for (let nextMs = performance.now() + intervalMs; ; ) {
    const [ended = 0, , deaf = 0] = poll(
      [
        { fd: pidfd, events: POLLIN },
        { fd: oom?.fd ?? -1, events: POLLIN },
        // No events: the kernel tells by itself that the reader is gone.
        { fd: STDOUT, events: 0 },
      ],
      Math.max(nextMs - performance.now(), 0),
    );
    if (deaf !== 0) break;
    tellOoms();
    if (ended !== 0) break;
    if (performance.now() < nextMs) continue;
    emit({ type: "stats", id, data: subject.read() });
    nextMs += intervalMs;
  }
  closeFd(pidfd);
  if (oom !== undefined) closeFd(oom.fd);
}

/** Statistics once. @throws StateError when the container has no processes */
export function statsEvent(place: Place): ContainerEvent {
  return { type: "stats", id: place.id, data: measured(place).read() };
}

function oomOf({ places, layout }: Measured, log: Log): OomWatch | undefined {
  const memory = places.find(
    ({ controllers }) => layout === "v2" || controllers.includes("memory"),
  );
  try {
    if (memory !== undefined) return watchOom(memory.directory, layout);
    log.warn("no word of the OOM killer: the container has no memory cgroup");
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    log.warn(`no word of the OOM killer: ${error.message}`);
  }
  return undefined;
}
