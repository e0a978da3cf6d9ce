// The supervisor of a program of the caller's: it feeds the program's standard input, keeps the end
// of its output, and when its time is over, or nobody waits for it any more, ends all that it has
// started. It adopts what the program leaves, so that nothing gets away by a session of its own.

import { EAGAIN } from "../errno.ts";
import type { Program } from "../ops/op.ts";
import { loadFilterAndExec } from "../sys/exec.ts";
import {
  closeFd,
  duplicateTo,
  markCloseOnExec,
  O_DIRECTORY,
  O_PATH,
  readSome,
  tryOpen,
  tryWriteSome,
} from "../sys/file.ts";
import { tryChangeDirectory } from "../sys/namespace.ts";
import {
  clone,
  exitNow,
  newProcessGroup,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_PDEATHSIG,
  prctl,
  SIGKILL,
  setLimit,
  setUmask,
  tryKill,
  waitFor,
} from "../sys/process.ts";
import { POLLIN, POLLOUT, poll, resetSignals } from "../sys/signal.ts";
import { pipe } from "../sys/socket.ts";
import type { CallerLimits } from "./caller.ts";
import { killChildren } from "./kill-children.ts";
import { OUTPUT_BYTES_MAX, type Outcome, type Report } from "./report.ts";

/** What a pipe takes without waiting once poll(2) says that it can be written (pipe(7)). */
const PIPE_BUF = 4_096;
/** What a pipe holds (pipe(7)): all that a program which has ended can have left in it. */
const PIPE_BYTES = 65_536;
/** The longest wait at a time; a timeout may be longer than what the kernel takes. */
const WAIT_MS_MAX = 1_000_000;

export interface Supervision {
  caller: CallerLimits;
  report: Report;
  /** Reads end-of-file when the process that waits is gone. */
  lifeline: number;
}

/** Runs a program to its end, reports, and exits: it is called in a process of its own. */
export function supervise(program: Program, supervision: Supervision): never {
  const { report } = supervision;
  try {
    // A signal from the caller's terminal is not for it: it has to see to the end of the program.
    newProcessGroup();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    report.write(runToEnd(program, supervision));
  } catch (error) {
    const output = error instanceof Error ? error.message : String(error);
    report.write({ state: "failed", ending: { code: 0 }, output });
  }
  exitNow(0);
}

function runToEnd(program: Program, { caller, report, lifeline }: Supervision): Outcome {
  const [stdinRead, stdinWrite] = pipe();
  const [outputRead, outputWrite] = pipe();
  const { pid, pidfd } = clone(0);
  if (pid === 0) becomeProgram(program, caller, { stdinRead, outputWrite, report });
  closeFd(stdinRead);
  closeFd(outputWrite);
  const { ended, output } = watch(program, { pidfd, stdinWrite, outputRead, lifeline });
  if (ended) return { state: "ended", ending: waitFor(pidfd), output };
  tryKill(pid, SIGKILL);
  tryKill(-pid, SIGKILL);
  killChildren();
  return { state: "late", ending: { signal: SIGKILL }, output };
}

function becomeProgram(
  program: Program,
  caller: CallerLimits,
  ends: { stdinRead: number; outputWrite: number; report: Report },
): never {
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    newProcessGroup();
    setUmask(caller.umask);
    if (program.cwd !== undefined) enter(program.cwd);
    duplicateTo(ends.stdinRead, 0);
    duplicateTo(ends.outputWrite, 1);
    duplicateTo(ends.outputWrite, 2);
    // Ours are all close-on-exec; those that the caller handed on are for the container.
    markCloseOnExec(3);
    if (caller.openFiles !== undefined) setLimit(caller.openFiles.resource, caller.openFiles);
    resetSignals();
  } catch {
    // Nothing of ours can go wrong here that the caller could mend; the exit code says that it did.
    exitNow(125);
  }
  loadFilterAndExec({
    image: { paths: [program.path], argv: program.args, env: program.env },
    resultAddress: ends.report.resultAddress,
  });
}

/** A directory that is gone, as a bundle may be after its container, is no reason to fail. */
function enter(path: string): void {
  for (const directory of [path, "/"]) {
    const fd = tryOpen(directory, O_PATH | O_DIRECTORY);
    if (fd < 0) continue;
    const entered = tryChangeDirectory(fd);
    closeFd(fd);
    if (entered === 0) return;
  }
}

interface Watched {
  pidfd: number;
  stdinWrite: number;
  outputRead: number;
  lifeline: number;
}

/** Feeds and listens until the program ends; `ended` is false when its time, or ours, is over. */
function watch(program: Program, fds: Watched): { ended: boolean; output: string } {
  const deadlineMs =
    program.timeoutMs === undefined
      ? Number.POSITIVE_INFINITY
      : performance.now() + program.timeoutMs;
  let input: Uint8Array = Buffer.from(program.stdin);
  let output: Uint8Array = Buffer.alloc(0);
  let inputOpen = true;
  let outputOpen = true;
  const over = (ended: boolean) => ({ ended, output: Buffer.from(output).toString("utf8") });
  const listen = (): number => {
    const some = readSome(fds.outputRead);
    outputOpen = some.length > 0;
    output = Buffer.concat([output, some]).subarray(-OUTPUT_BYTES_MAX);
    return some.length;
  };
  for (;;) {
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) return over(false);
    const [ended = 0, readable = 0, writable = 0, alone = 0] = poll(
      [
        { fd: fds.pidfd, events: POLLIN },
        { fd: outputOpen ? fds.outputRead : -1, events: POLLIN },
        { fd: inputOpen ? fds.stdinWrite : -1, events: POLLOUT },
        { fd: fds.lifeline, events: POLLIN },
      ],
      Math.min(leftMs, WAIT_MS_MAX),
    );
    if (alone !== 0) return over(false);
    if (ended !== 0) {
      // A child that it has left behind may go on writing for ever.
      let left = PIPE_BYTES;
      while (left > 0 && outputOpen && canRead(fds.outputRead)) left -= listen();
      return over(true);
    }
    if (readable !== 0) listen();
    if (writable === 0 || !inputOpen) continue;
    const written = tryWriteSome(fds.stdinWrite, input.subarray(0, PIPE_BUF));
    if (written > 0) input = input.subarray(written);
    // A program that does not read the state (EPIPE) is none the worse for it.
    if (input.length === 0 || (written < 0 && written !== -EAGAIN)) {
      closeFd(fds.stdinWrite);
      inputOpen = false;
    }
  }
}

function canRead(fd: number): boolean {
  return poll([{ fd, events: POLLIN }], 0)[0] !== 0;
}
