// Runs one validation program in namespaces of its own, so that all it starts ends with it.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { patience } from "../support/patience.ts";
import { buildFolder } from "./build.ts";
import { cgroups, removeNewCgroups } from "./leftovers.ts";
import { type TapCounts, tapCounts } from "./tap.ts";

const limitMs = Math.max(60_000, 30_000 * patience);

export interface ProgramResult extends TapCounts {
  name: string;
  /** Exit status, or "hang" where the program was killed at its time limit. */
  exit: number | "hang";
  seconds: number;
  /** What it left behind: processes, mounts, container state, cgroups. All of it is gone now. */
  left: string[];
}

/**
 * Runs a program to its end or its time limit. What it prints is kept under
 * `build/conformance/output/RUNTIME/NAME/`.
 *
 * @param name the program's name, such as `linux_seccomp`
 * @param runtime absolute path of the runtime
 * @param signal kills the program, and all that it started, when it is aborted
 */
export async function runProgram(
  name: string,
  runtime: string,
  signal: AbortSignal,
): Promise<ProgramResult> {
  const output = join(buildFolder, "output", basename(runtime), name);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const before = cgroups();
  const startedMs = performance.now();
  const limit = AbortSignal.timeout(limitMs);
  const child = Bun.spawn(
    [
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"],
      ...[join(import.meta.dirname, "program.sh"), join(buildFolder, "bin", name), output],
    ],
    {
      cwd: join(buildFolder, "work"),
      env: { PATH: process.env["PATH"], RUNTIME: runtime },
      stdin: "ignore",
      stdout: Bun.file(join(output, "tap")),
      stderr: Bun.file(join(output, "stderr")),
      signal: AbortSignal.any([signal, limit]),
      killSignal: "SIGKILL",
    },
  );
  const exitCode = await child.exited;
  const hung = limit.aborted;
  const seconds = (performance.now() - startedMs) / 1000;
  const leftFile = join(output, "left");
  const left = existsSync(leftFile)
    ? readFileSync(leftFile, "utf8").split("\n").filter(Boolean)
    : [];
  left.push(...removeNewCgroups(before));
  const counts = tapCounts(readFileSync(join(output, "tap"), "utf8"));
  return { name, ...counts, exit: hung ? "hang" : exitCode, seconds, left };
}

/** No failed assertion, exit status 0, no hang. */
export function isClean(result: Pick<ProgramResult, "notOk" | "exit">): boolean {
  return result.notOk === 0 && result.exit === 0;
}
