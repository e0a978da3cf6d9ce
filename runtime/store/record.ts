// The record of a container: what it takes to find, describe and undo it. Whether it runs is asked
// of the kernel (status.ts), never of this file.

import type { Hooks } from "../config/types.gen.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { rename } from "../sys/directory.ts";
import { readFile, writeFile } from "../sys/file.ts";
import { directoryExists, directoryOf, missing, type Place } from "./directory.ts";

/** Rises when a record can no longer be read by programs that know only older ones. */
const VERSION = 1;

/** A process, told from a later one of the same pid by when it started. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: string;
}

/** An effect on the host: the op that has it, and its arguments. */
export interface JournalEntry {
  op: string;
  /** As JSON text. */
  args: string;
}

/** Where the listener of a seccomp filter goes when the container is started. */
export interface SeccompListener {
  /** Absolute path of the agent's socket. */
  path: string;
  metadata?: string;
}

export interface UnitIdentity {
  /** Of the manager, as D-Bus addresses. */
  address: string;
  name: string;
}

export interface ContainerRecord {
  version: number;
  id: string;
  bundle: string;
  rootfs: string;
  /** RFC 3339, UTC. */
  created: string;
  /** User who created it. */
  ownerUid: number;
  annotations?: Record<string, string>;
  /** `creating` until create has done everything. */
  phase: "creating" | "created";
  /** The process that creates it. */
  creator: ProcessIdentity;
  /** Its first process, once there is one. */
  init?: ProcessIdentity;
  /** args[0] of its process; null when the configuration has none. */
  program: string | null;
  /** The agent that answers SCMP_ACT_NOTIFY, if the filter has one. */
  listener?: SeccompListener;
  /** The hooks that run outside of the plan. */
  hooks: Pick<Hooks, "poststart" | "poststop">;
  /** Steps of its plan that are startContainer hooks; one that fails is its end. */
  startHooks: readonly number[];
  /** Its cgroup directories, one a hierarchy. */
  cgroups: readonly string[];
  /** Its unit of systemd, if it has one. */
  unit?: UnitIdentity;
  /** Whether its processes have a pid namespace that ends with init. */
  ownPidNamespace: boolean;
  /** Effects to undo, in the order of the plan; written before the first one happens. */
  journal: readonly JournalEntry[];
}

/** Writes a record so that a reader finds the old or the new one, whole. */
export function writeRecord(place: Place, record: Omit<ContainerRecord, "version">): void {
  const path = `${directoryOf(place)}/record.json`;
  writeFile(`${path}.new`, JSON.stringify({ version: VERSION, ...record }), 0o600);
  rename(`${path}.new`, path);
}

/**
 * Reads a record; undefined when the folder has none yet, because create was ended so early.
 * @throws StateError when there is no such container
 */
export function readRecord(place: Place): ContainerRecord | undefined {
  let text: string;
  try {
    text = readFile(`${directoryOf(place)}/record.json`);
  } catch (error) {
    const ENOENT = 2;
    const absent = error instanceof SyscallError && error.errno === ENOENT;
    if (!absent) throw error;
    if (!directoryExists(place)) throw missing(place);
    return undefined;
  }
  const record = parsed(text);
  if (!isRecord(record)) {
    const why = record === undefined ? "is damaged" : "was written by another version";
    throw new RuntimeError(
      `the record of container "${place.id}" ${why} (hint: delete --force removes it)`,
    );
  }
  return record;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function isRecord(value: unknown): value is ContainerRecord {
  return (
    typeof value === "object" && value !== null && "version" in value && value.version === VERSION
  );
}
