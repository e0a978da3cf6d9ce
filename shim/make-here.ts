// A process that the shim makes itself, without a worker: where a plan waits for nobody but its own
// processes, the loop can hear them. The worker would take longer to make than all the rest, and do
// everything for the first time.

import type { Started, Underway } from "../runtime/engine/run.ts";
import { EPOLLIN } from "../runtime/sys/epoll.ts";
import { closeFd, duplicateTo, O_RDWR, open } from "../runtime/sys/file.ts";
import { PR_SET_THP_DISABLE, prctl } from "../runtime/sys/process.ts";
import type { Children } from "./children.ts";
import { type Ends, fdsOf } from "./io/streams.ts";
import type { Loop } from "./loop.ts";
import { type Failure, failureOf, type Made } from "./worker.ts";

interface Making {
  /** Its standard streams; with a terminal it has none from here. */
  ends: Ends;
  terminal: boolean;
  begin(): Underway;
}

export function makeHere(
  { loop, children }: { loop: Loop; children: Children },
  { ends, terminal, begin }: Making,
  done: (outcome: Made | Failure) => void,
): void {
  const forgetStrangers = children.expectStrangers();
  const attempt = (work: () => Made | Failure | undefined): void => {
    const outcome = outcomeOf(work);
    if (outcome === undefined) return;
    try {
      done(outcome);
    } finally {
      forgetStrangers();
    }
  };
  attempt(() => {
    const underway = withStreams(terminal ? NO_STREAMS : ends, begin);
    const listen = (): void =>
      loop.watch(underway.fd, EPOLLIN, () => {
        loop.forget(underway.fd);
        attempt(() => {
          const started = underway.goOn();
          if (started === undefined) listen();
          return started && madeOf(started);
        });
      });
    listen();
    return undefined;
  });
}

function outcomeOf(work: () => Made | Failure | undefined): Made | Failure | undefined {
  try {
    return work();
  } catch (error) {
    return failureOf(error);
  }
}

/** What a plan has made, for the shim. */
export function madeOf({ init, slots }: Started): Made {
  return slots.has("$console") ? { ...init, console: slots.take("$console") } : init;
}

/** Does something with the standard streams, and the settings, that a process is to have. */
export function withStreams<T>(ends: Ends, use: () => T): T {
  const nothing = open("/dev/null", O_RDWR);
  prctl(PR_SET_THP_DISABLE, 0);
  putStreams(ends, nothing);
  try {
    return use();
  } finally {
    putStreams(NO_STREAMS, nothing);
    prctl(PR_SET_THP_DISABLE, 1);
    closeFd(nothing);
  }
}

const NO_STREAMS: Ends = { stdin: undefined, stdout: undefined, stderr: undefined };

/** The standard streams of a worker, which what it makes inherits; it has no others. */
export function becomeStreams(ends: Ends): void {
  const nothing = open("/dev/null", O_RDWR);
  putStreams(ends, nothing);
  for (const fd of [nothing, ...fdsOf(ends)]) closeFd(fd);
}

function putStreams({ stdin, stdout, stderr }: Ends, nothing: number): void {
  for (const [to, fd] of [stdin, stdout, stderr].entries()) duplicateTo(fd ?? nothing, to);
}
