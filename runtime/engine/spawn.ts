// Starting a program of the caller's, such as a hook, and telling how it went. It runs under a
// supervisor of its own, a fork of this process: supervise.ts.

import { errnoText } from "../errno.ts";
import { RuntimeError } from "../errors.ts";
import type { Program } from "../ops/op.ts";
import { closeFd } from "../sys/file.ts";
import { clone, type Ending, waitFor } from "../sys/process.ts";
import { pipe } from "../sys/socket.ts";
import type { CallerLimits } from "./caller.ts";
import { makeReport } from "./report.ts";
import { supervise } from "./supervise.ts";

/** Runs a program to its end. Throws when it cannot be executed, is late, or does not exit with 0. */
export function spawnProgram(program: Program, caller: CallerLimits): void {
  const report = makeReport();
  // Held open by this process alone: its end tells the supervisor that nobody waits any more.
  const [lifeline, held] = pipe();
  const { pid, pidfd } = clone(0);
  if (pid === 0) {
    closeFd(held);
    supervise(program, { caller, report, lifeline });
  }
  closeFd(lifeline);
  const supervisor = waitFor(pidfd);
  closeFd(pidfd);
  closeFd(held);
  const outcome = report.read();
  report.close();
  const { path, timeoutMs = 0 } = program;
  if (outcome.errno > 0) throw new RuntimeError(`fork/exec ${path}: ${errnoText(outcome.errno)}`);
  if (outcome.state === "late") {
    throw new RuntimeError(`${path}: hook ran past specified timeout of ${timeoutMs / 1000}s`);
  }
  if (outcome.state === "failed") {
    throw new RuntimeError(`${path}: ${outcome.output || `supervisor: ${howOf(supervisor)}`}`);
  }
  requireSuccess(program, outcome.ending, outcome.output);
}

function requireSuccess(
  { path, outputBytes = 2_000 }: Program,
  ending: Ending,
  output: string,
): void {
  if ("code" in ending && ending.code === 0) return;
  const said = lastOf(output.trim(), outputBytes);
  throw new RuntimeError(`${path}: ${howOf(ending)}${said === "" ? "" : `, output: ${said}`}`);
}

function howOf(ending: Ending): string {
  return "code" in ending ? `exit status ${ending.code}` : `signal ${ending.signal}`;
}

/** The end of a text, where programs say what went wrong; from the start of a line if there is one. */
function lastOf(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  const last = whole.subarray(-bytes).toString("utf8").replace(/^�+/, "");
  const line = last.indexOf("\n") + 1;
  return `…${line > 0 && line < last.length ? last.slice(line) : last}`;
}
