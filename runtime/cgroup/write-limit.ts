// Writes of limits to a cgroup's files, with what a refusal usually means.

import { ENOENT } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { readFile } from "../sys/file.ts";
import { hintFor } from "./controllers/table.ts";
import { exists, writeControl } from "./files.ts";
import { THREADED } from "./manager.ts";

export interface LimitWrite {
  controller: string;
  file: string;
  value: string;
  /** Written where the kernel has no such file. */
  fallback: { file: string; value: string } | null;
  /** Whether it is an error if the kernel has neither. */
  required: boolean;
}

export interface PlainWrite {
  controller: string;
  file: string;
  value: string;
}

/** How a write prints: its file and value, and what stands in for it. */
export function limitText({ file, value, fallback }: LimitWrite): string {
  const or = fallback === null ? "" : ` or ${fallback.file} = ${fallback.value}`;
  return `${file} = ${value}${or}`;
}

/** The write that this kernel takes, or undefined where it has no file for it and none is needed. */
export function fittingWrite(directory: string, write: LimitWrite): PlainWrite | undefined {
  const { controller, file, value, fallback, required } = write;
  if (required || exists(`${directory}/${file}`)) return { controller, file, value };
  return fallback === null ? undefined : { controller, ...fallback };
}

/** One write(2). @throws RuntimeError with a hint where there is one */
export function writeLimit(directory: string, { controller, file, value }: PlainWrite): void {
  try {
    writeControl(`${directory}/${file}`, value);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const hint = missingHint({ directory, controller }, error.errno) ?? hintFor(file, error.errno);
    if (hint === undefined) throw error;
    throw new RuntimeError(`${error.message}; wanted ${value} (hint: ${hint})`);
  }
}

/**
 * Several writes of which one may be possible only after another, such as memory and the sum of
 * memory and swap, both higher or both lower: what is refused is tried again after the others, for as
 * long as any of them succeeds.
 */
export function writeInAnyOrder(directory: string, writes: readonly PlainWrite[]): void {
  for (let left = writes; ; ) {
    const refused: PlainWrite[] = [];
    let first: unknown;
    for (const write of left) {
      try {
        writeLimit(directory, write);
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error;
        first ??= error;
        refused.push(write);
      }
    }
    if (refused.length === 0) return;
    if (refused.length === left.length) throw first;
    left = refused;
  }
}

/** Why a cgroup of v2 lacks a controller's files. */
function missingHint(
  { directory, controller }: { directory: string; controller: string },
  errno: number,
): string | undefined {
  const list = `${directory}/cgroup.controllers`;
  if (errno !== ENOENT || !exists(list)) return undefined;
  const name = controller === "blkio" ? "io" : controller;
  // Files of the cgroup itself need no controller.
  if (name === "cgroup") return undefined;
  if (readFile(list).trim().split(" ").includes(name)) return undefined;
  const type = `${directory}/cgroup.type`;
  if (exists(type) && readFile(type).trim() === "domain invalid") return THREADED;
  return `the controller ${name} is not passed on to this cgroup: the host lacks it, or a cgroup above has processes or no delegation`;
}
