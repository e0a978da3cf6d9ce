// Starting a program of the caller's, such as a hook: a process group of its own, a deadline, the
// state on its standard input, its output kept for the error.

import { errnoText } from "../errno.ts";
import { RuntimeError } from "../errors.ts";
import type { Program } from "../ops/op.ts";
import { loadFilterAndExec } from "../sys/exec.ts";
import { closeFd, duplicateTo, readSome, tryWriteSome } from "../sys/file.ts";
import { mapShared, memoryAt, unmap } from "../sys/libc.ts";
import {
  clone,
  type Ending,
  exitNow,
  newProcessGroup,
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

const OUTPUT_BYTES_MAX = 4_096;
/** What a pipe takes without waiting once poll(2) says that it can be written (pipe(7)). */
const PIPE_BUF = 4_096;
const EAGAIN = 11;

/** Runs a program to its end. Throws when it cannot be executed, is late, or does not exit with 0. */
export function spawnProgram(program: Program, caller: CallerLimits): void {
  const [stdinRead, stdinWrite] = pipe();
  const [outputRead, outputWrite] = pipe();
  const result = mapShared(8);
  const { pid, pidfd } = clone(0);
  if (pid === 0) becomeProgram(program, caller, { stdinRead, outputWrite, result });
  closeFd(stdinRead);
  closeFd(outputWrite);
  const watched = watch(program, { pidfd, stdinWrite, outputRead });
  if (watched.late) tryKill(-pid, SIGKILL);
  const ending = waitFor(pidfd);
  closeFd(pidfd);
  closeFd(outputRead);
  const errno = -(new Int32Array(memoryAt(result, 8).buffer)[0] ?? 0);
  unmap(result, 8);
  if (watched.late) {
    throw new RuntimeError(
      `${program.path}: hook ran past specified timeout of ${(program.timeoutMs ?? 0) / 1000}s`,
    );
  }
  if (errno > 0) throw new RuntimeError(`fork/exec ${program.path}: ${errnoText(errno)}`);
  requireSuccess(program, ending, watched.output);
}

function requireSuccess(program: Program, ending: Ending, output: string): void {
  if ("code" in ending && ending.code === 0) return;
  const how = "code" in ending ? `exit status ${ending.code}` : `signal ${ending.signal}`;
  const said = output.trim() === "" ? "" : `, output: ${output.trim()}`;
  throw new RuntimeError(`${program.path}: ${how}${said}`);
}

function becomeProgram(
  program: Program,
  caller: CallerLimits,
  ends: { stdinRead: number; outputWrite: number; result: number },
): never {
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    newProcessGroup();
    setUmask(caller.umask);
    duplicateTo(ends.stdinRead, 0);
    duplicateTo(ends.outputWrite, 1);
    duplicateTo(ends.outputWrite, 2);
    if (caller.openFiles !== undefined) setLimit(caller.openFiles.resource, caller.openFiles);
    resetSignals();
  } catch {
    // Nothing of ours can go wrong here that the caller could mend; the exit code says that it did.
    exitNow(125);
  }
  loadFilterAndExec({
    image: { path: program.path, argv: program.args, env: program.env },
    resultAddress: ends.result,
  });
}

/** Feeds standard input and collects output until the program ends or its time is over. */
function watch(
  program: Program,
  fds: { pidfd: number; stdinWrite: number; outputRead: number },
): { late: boolean; output: string } {
  const deadlineMs =
    program.timeoutMs === undefined ? undefined : performance.now() + program.timeoutMs;
  let input = Buffer.from(program.stdin);
  let output = "";
  let inputOpen = true;
  let outputOpen = true;
  const closeInput = (): void => {
    closeFd(fds.stdinWrite);
    inputOpen = false;
  };
  for (;;) {
    const leftMs = deadlineMs === undefined ? undefined : deadlineMs - performance.now();
    if (leftMs !== undefined && leftMs <= 0) {
      if (inputOpen) closeInput();
      return { late: true, output };
    }
    const [ended = 0, readable = 0, writable = 0] = poll(
      [
        { fd: fds.pidfd, events: POLLIN },
        { fd: outputOpen ? fds.outputRead : -1, events: POLLIN },
        { fd: inputOpen ? fds.stdinWrite : -1, events: POLLOUT },
      ],
      leftMs,
    );
    if (readable !== 0) {
      const some = readSome(fds.outputRead, 4_096);
      outputOpen = some.length > 0;
      output = (output + some.toString("utf8")).slice(0, OUTPUT_BYTES_MAX);
    }
    if (writable !== 0 && inputOpen) {
      const written = tryWriteSome(fds.stdinWrite, input.subarray(0, PIPE_BUF));
      if (written > 0) input = input.subarray(written);
      // A program that does not read the state (EPIPE) is none the worse for it.
      if (input.length === 0 || (written < 0 && written !== -EAGAIN)) closeInput();
    }
    if (ended !== 0 && (readable === 0 || output.length >= OUTPUT_BYTES_MAX)) {
      if (inputOpen) closeInput();
      return { late: false, output };
    }
  }
}
