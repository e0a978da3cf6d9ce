// The ids of a new user namespace (user_namespaces(7)): written by a process outside of it, once.

import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_WRONLY, open, readFile, tryWriteOnce } from "../sys/file.ts";
import { defineOp, type OpContext } from "./op.ts";

/** One range: `size` ids from `containerID` on inside are those from `hostID` on outside. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface IdMappings {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** The kernel takes a map as one write of less than a page, of at most so many lines (4.15). */
export const MAP_BYTES_MAX = 4095;
export const MAP_LINES_MAX = 340;

interface MapIds extends IdMappings {
  /** The process that is in the user namespace. */
  process: "init" | "joiner";
  /** newuidmap(1), for a caller who may not write the map; null: written directly. */
  uidHelper: string | null;
  gidHelper: string | null;
  /** The kernel's condition for a caller without privileges to map the own group. */
  denySetgroups: boolean;
}

/** Maps the ids of the user namespace that init, or the joiner, is the first process in. */
export const mapIds = defineOp<MapIds>({
  name: "ids.map",
  print: ({ process, ...maps }) => `${process}: ${brief(maps)}`,
  run: (args, context) => {
    const pid = args.process === "init" ? context.initPid() : context.joinerPid();
    const map = (file: string, mappings: readonly IdMapping[], helper: string | null): void => {
      if (helper === null) writeOnce(`/proc/${pid}/${file}`, mapText(mappings));
      else mapByHelper(helper, helperArgs(helper, pid, mappings), context);
    };
    map("uid_map", args.uidMappings, args.uidHelper);
    if (args.denySetgroups) writeOnce(`/proc/${pid}/setgroups`, "deny");
    map("gid_map", args.gidMappings, args.gidHelper);
  },
});

/** newuidmap(1) says itself what it does not allow, and not what to do. */
function mapByHelper(path: string, args: readonly string[], context: OpContext): void {
  try {
    context.spawn({ path, args, env: [], stdin: "" });
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    const file = path.endsWith("newgidmap") ? "/etc/subgid" : "/etc/subuid";
    throw new RuntimeError(
      `${error.message} (hint: besides their own id users have those that ${file} gives them, by lines NAME:FIRST:COUNT)`,
    );
  }
}

function helperArgs(helper: string, pid: number, mappings: readonly IdMapping[]): string[] {
  const numbers = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]);
  return [helper, ...[pid, ...numbers].map(String)];
}

/** Writes both maps of the user namespace of a process, with the privileges that this takes. */
export function writeIdMaps(pid: number, { uidMappings, gidMappings }: IdMappings): void {
  writeOnce(`/proc/${pid}/gid_map`, mapText(gidMappings));
  writeOnce(`/proc/${pid}/uid_map`, mapText(uidMappings));
}

function writeOnce(path: string, text: string): void {
  const fd = open(path, O_WRONLY);
  const result = tryWriteOnce(fd, text);
  closeFd(fd);
  if (result < 0) {
    throw new SyscallError(`write("${path}", "${text.trim().replaceAll("\n", "; ")}")`, -result);
  }
}

/** A map as the kernel reads it: a line for each range. */
export function mapText(mappings: readonly IdMapping[]): string {
  return mappings
    .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`)
    .join("");
}

/** A joined user namespace has the mappings that the configuration says it has. */
export const checkIds = defineOp<IdMappings>({
  name: "ids.check",
  print: brief,
  run: ({ uidMappings, gidMappings }) => {
    requireSame("uid_map", uidMappings);
    requireSame("gid_map", gidMappings);
  },
});

function requireSame(name: "uid_map" | "gid_map", wanted: readonly IdMapping[]): void {
  const found = sortedLines(readFile(`/proc/self/${name}`));
  const asked = sortedLines(mapText(wanted));
  if (found === asked) return;
  throw new RuntimeError(`the joined user namespace has the ${name} "${found}", not "${asked}"`);
}

function sortedLines(text: string): string {
  const lines = text.trim().split("\n");
  return lines
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .toSorted()
    .join("; ");
}

function brief({ uidMappings, gidMappings }: IdMappings): string {
  return `uid ${briefly(uidMappings)}, gid ${briefly(gidMappings)}`;
}

function briefly(mappings: readonly IdMapping[]): string {
  const [first] = mappings;
  if (first === undefined) return "none";
  const more = mappings.length > 1 ? ` and ${mappings.length - 1} more` : "";
  return `${first.containerID}→${first.hostID}×${first.size}${more}`;
}
