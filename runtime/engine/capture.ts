// Running a program for what it prints, such as the host's ps.

import { errnoText } from "../errno.ts";
import { RuntimeError } from "../errors.ts";
import { loadFilterAndExec } from "../sys/exec.ts";
import { closeFd, duplicateTo, markCloseOnExec, readText } from "../sys/file.ts";
import { clone, type Ending, exitNow, setLimit, setUmask, waitFor } from "../sys/process.ts";
import { resetSignals } from "../sys/signal.ts";
import { pipe } from "../sys/socket.ts";
import type { CallerLimits } from "./caller.ts";
import { requireOneThread } from "./one-thread.ts";
import { makeReport, type Report } from "./report.ts";

export interface Capture {
  /** Absolute path. */
  path: string;
  args: readonly string[];
  env: readonly string[];
}

/** What a program printed to standard output and error, and how it ended. */
export interface Captured {
  output: string;
  ending: Ending;
}

/** @throws RuntimeError when it cannot be executed */
export function capture(program: Capture, caller: CallerLimits): Captured {
  requireOneThread();
  const report = makeReport();
  const [outputRead, outputWrite] = pipe();
  const { pid, pidfd } = clone(0);
  if (pid === 0) becomeProgram(program, caller, { outputWrite, report });
  closeFd(outputWrite);
  const output = readText(outputRead);
  closeFd(outputRead);
  const ending = waitFor(pidfd);
  closeFd(pidfd);
  const { errno } = report.read();
  report.close();
  if (errno > 0) throw new RuntimeError(`fork/exec ${program.path}: ${errnoText(errno)}`);
  return { output, ending };
}

function becomeProgram(
  { path, args, env }: Capture,
  caller: CallerLimits,
  { outputWrite, report }: { outputWrite: number; report: Report },
): never {
  try {
    duplicateTo(outputWrite, 1);
    duplicateTo(outputWrite, 2);
    markCloseOnExec(3);
    setUmask(caller.umask);
    if (caller.openFiles !== undefined) setLimit(caller.openFiles.resource, caller.openFiles);
    resetSignals();
  } catch {
    // Nothing of ours can go wrong here that the caller could mend; the exit code says that it did.
    exitNow(125);
  }
  loadFilterAndExec({
    image: { paths: [path], argv: args, env },
    resultAddress: report.resultAddress,
  });
}
