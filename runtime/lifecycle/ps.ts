// ps: the processes of a container, as the host sees them.

import { cgroupPids } from "../cgroup/manager.ts";
import { callerEnvironment, callerLimits } from "../engine/caller.ts";
import { capture } from "../engine/capture.ts";
import { RuntimeError } from "../errors.ts";
import type { Place } from "../store/directory.ts";
import { readRecord } from "../store/record.ts";
import { AT_FDCWD, readFile } from "../sys/file.ts";
import { statusAt } from "../sys/status.ts";
import { type MachineTimes, type ProcessRow, processRow } from "./process-row.ts";
import { isAlive } from "./status.ts";
import { textIfThere } from "./text-if-there.ts";

/**
 * Pids of all processes in the container's cgroups, sorted; init's alone where it has none of its own.
 * @throws StateError when there is no such container
 */
export function pids(place: Place): number[] {
  const record = readRecord(place);
  const found = new Set(record?.cgroups.flatMap(cgroupPids));
  if (found.size === 0 && record?.init && isAlive(record.init)) found.add(record.init.pid);
  return [...found].toSorted((one, other) => one - other);
}

/** Rows as `ps -ef` prints them, of those processes that are still there. */
export function processTable(wanted: readonly number[]): ProcessRow[] {
  const times: MachineTimes = {
    bootSeconds: Number(/^btime (\d+)$/m.exec(readFile("/proc/stat"))?.[1] ?? 0),
    nowMs: Date.now(),
  };
  const names = userNames(readFile("/etc/passwd"));
  return wanted.flatMap((pid) => {
    const stat = textIfThere(`/proc/${pid}/stat`);
    const status = textIfThere(`/proc/${pid}/status`);
    const commandLine = textIfThere(`/proc/${pid}/cmdline`);
    if (stat === undefined || status === undefined || commandLine === undefined) return [];
    return [processRow({ stat, status, commandLine, names, times })];
  });
}

function userNames(passwd: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of passwd.split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (!names.has(uid)) names.set(uid, name);
  }
  return names;
}

export interface HostPsOptions {
  pids: readonly number[];
  /** Arguments of ps(1). */
  args: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}

/**
 * What the host's ps(1) prints with the arguments, its header and the lines of the pids; they are
 * found by the column PID.
 */
export function hostPs({ pids, args, environment }: HostPsOptions): string[] {
  const path = pathOf("ps", environment["PATH"] ?? "");
  if (path === undefined) throw new RuntimeError("ps: executable file not found in $PATH");
  const program = { path, args: ["ps", ...args], env: callerEnvironment(environment) };
  const { output, ending } = capture(program, callerLimits(environment));
  if (!("code" in ending) || ending.code !== 0) {
    const how = "code" in ending ? `exit status ${ending.code}` : `signal ${ending.signal}`;
    throw new RuntimeError(`ps: ${how}: ${output.trim()}`);
  }
  const [header = "", ...lines] = output.split("\n");
  const end = header.search(/\bPID\b/) + "PID".length;
  if (end < "PID".length) {
    throw new RuntimeError(
      `ps ${args.join(" ")}: the output has no column PID, by which the container's processes are found`,
    );
  }
  const wanted = new Set(pids.map(String));
  const index = header.slice(0, end).trim().split(/\s+/).length - 1;
  return [header, ...lines.filter((line) => wanted.has(pidIn(line, { end, index })))];
}

/** Numbers end where their header does, unless a long word before them has shifted the line. */
function pidIn(line: string, { end, index }: { end: number; index: number }): string {
  const inPlace = /(?:^|\s)(\d+)$/.exec(/^\S/.test(line.slice(end)) ? "" : line.slice(0, end))?.[1];
  return inPlace ?? line.trim().split(/\s+/)[index] ?? "";
}

function pathOf(name: string, searchPath: string): string | undefined {
  const places = searchPath
    .split(":")
    .filter((folder) => folder.startsWith("/"))
    .map((folder) => `${folder}/${name}`);
  return places.find((place) => typeof statusAt(AT_FDCWD, place, 0) !== "number");
}
