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
import { type Failure, isFailure, type Made, outcomeOf } from "./worker.ts";

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
  const beginWithStreams = (): Underway => withStreams(terminal ? NO_STREAMS : ends, begin);
  hearOut(loop, beginWithStreams, (outcome) => {
    try {
      done(isFailure(outcome) ? outcome : madeOf(outcome));
    } finally {
      forgetStrangers();
    }
  });
}

/** Something that goes on whenever there is something to hear, until it comes to an end. */
interface Hearing<End> {
  fd: number;
  /** Nothing before the end, with which the descriptor is closed. */
  goOn(): End | undefined;
}

/** Calls back once, with what it comes to. */
export function hearOut<End extends object>(
  loop: Loop,
  begin: () => Hearing<End>,
  done: (outcome: End | Failure) => void,
): void {
  const attempt = (work: () => End | undefined): void => {
    const outcome = outcomeOf(work);
    if (outcome !== undefined) done(outcome);
  };
  const wait = ({ fd, goOn }: Hearing<End>): void =>
    loop.watch(fd, EPOLLIN, () => {
      loop.forget(fd);
      attempt(() => {
        const end = goOn();
        if (end === undefined) wait({ fd, goOn });
        return end;
      });
    });
  attempt(() => {
    wait(begin());
    return undefined;
  });
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
