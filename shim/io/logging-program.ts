// A program that logs, from its beginning to its end. containerd's contract: it reads both outputs
// from descriptors 3 and 4, and says on descriptor 5 that it is ready.

import { callerLimits } from "../../runtime/engine/caller.ts";
import { fork } from "../../runtime/engine/fork.ts";
import { makeReport } from "../../runtime/engine/report.ts";
import { errnoText } from "../../runtime/errno.ts";
import { EPOLLIN } from "../../runtime/sys/epoll.ts";
import { loadFilterAndExec } from "../../runtime/sys/exec.ts";
import { closeAllBut, closeFd, duplicate, duplicateTo, readSome } from "../../runtime/sys/file.ts";
import {
  type Ending,
  exitCodeOf,
  PR_SET_THP_DISABLE,
  prctl,
  processStat,
  SIGKILL,
  setLimit,
  trySignal,
} from "../../runtime/sys/process.ts";
import { resetSignals } from "../../runtime/sys/signal.ts";
import { pipe } from "../../runtime/sys/socket.ts";
import type { Child } from "../children.ts";
import type { StreamSurroundings } from "./streams.ts";
import type { Uri } from "./uri.ts";

export interface LoggingProgram {
  /** Calls back once; with a text when it will not be ready any more, and has ended. */
  whenReady(done: (failure: string | undefined) => void): void;
  whenEnded(done: () => void): void;
  /** Tells it to end, and does not wait for long. */
  end(): void;
}

const SIGTERM = 15;
const READY_LIMIT_MS = 30_000;
/** From SIGTERM to SIGKILL. */
const END_LIMIT_MS = 2_000;
/** After the standard streams. */
const FIRST_FD = 3;

/** @param readers of both outputs; they stay the caller's */
export function startLoggingProgram(
  uri: Uri,
  readers: readonly number[],
  surroundings: StreamSurroundings,
): LoggingProgram {
  const { loop, children, log } = surroundings;
  const [ready, theirs] = pipe();
  const report = makeReport();
  let child: Child;
  try {
    const fds = [...readers, theirs];
    child = fork(() => become(uri, { fds, resultAddress: report.resultAddress }, surroundings));
  } catch (error) {
    closeFd(ready);
    report.close();
    throw error;
  } finally {
    closeFd(theirs);
  }
  const waiting: ((how: Ending) => void)[] = [];
  let ending: Ending | undefined;
  let isReady = false;
  let isToldToEnd = false;
  children.whenEnded(child, (how) => {
    ending = how;
    closeFd(child.pidfd);
    const isFault = isReady && !isToldToEnd && exitCodeOf(how) !== 0;
    if (isFault) log.warn(`the logging program ${uri.path} ended with ${exitCodeOf(how)}`);
    for (const tell of waiting) tell(how);
  });
  return { whenReady, whenEnded, end };

  function whenReady(done: (failure: string | undefined) => void): void {
    const cancel = loop.after(READY_LIMIT_MS, () => {
      refuse(() => `was not ready within ${READY_LIMIT_MS / 1000} seconds`);
    });
    loop.watch(ready, EPOLLIN, () => {
      const isWord = readSome(ready, 1).length > 0;
      // Descriptors are closed before the kernel tells of the end that closes them.
      const goesOn = ending === undefined && processStat(child.pid)?.isExiting === false;
      if (isWord || (goesOn && uri.scheme === "binary")) finish(undefined);
      else if (goesOn) refuse(() => "closed descriptor 5 without a word");
      else refuse((how) => `ended with ${exitCodeOf(how)} before it was ready`);
    });

    function refuse(why: (how: Ending) => string): void {
      stopListening();
      signal(SIGKILL);
      whenEnded((how) => {
        const { errno } = report.read();
        if (errno === 0) finish(`the logging program ${uri.path} ${why(how)}`);
        else finish(`fork/exec ${uri.path}: ${errnoText(errno)}`);
      });
    }

    function stopListening(): void {
      cancel();
      loop.forget(ready);
    }

    function finish(failure: string | undefined): void {
      stopListening();
      closeFd(ready);
      report.close();
      isReady = failure === undefined;
      done(failure);
    }
  }

  function whenEnded(done: (how: Ending) => void): void {
    if (ending === undefined) waiting.push(done);
    else done(ending);
  }

  function end(): void {
    if (isToldToEnd) return;
    isToldToEnd = true;
    signal(SIGTERM);
    whenEnded(loop.after(END_LIMIT_MS, () => signal(SIGKILL)));
  }

  function signal(number: number): void {
    if (ending === undefined) trySignal(child.pidfd, number);
  }
}

/** In the fork. */
function become(
  { path, query }: Uri,
  { fds, resultAddress }: { fds: readonly number[]; resultAddress: number },
  { id, namespace, environment }: StreamSurroundings,
): void {
  prctl(PR_SET_THP_DISABLE, 0);
  // Out of the way of those numbers first.
  const copies = fds.map((fd) => duplicate(fd, FIRST_FD + fds.length));
  for (const [index, fd] of copies.entries()) duplicateTo(fd, FIRST_FD + index);
  closeAllBut([], FIRST_FD + fds.length);
  const { openFiles } = callerLimits(environment);
  if (openFiles !== undefined) setLimit(openFiles.resource, openFiles);
  resetSignals();
  const argv = [path, ...[...query].flat()];
  const env = [`CONTAINER_ID=${id}`, `CONTAINER_NAMESPACE=${namespace}`];
  loadFilterAndExec({ image: { paths: [path], argv, env }, resultAddress });
}
