// The record of a container: what it takes to find, describe and undo it. Whether it runs is asked
// of the kernel (status.ts), never of this file.

import type { Hooks } from "../config/types.gen.ts";
import { ENOENT } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { rename } from "../sys/directory.ts";
import { readFile, writeFile } from "../sys/file.ts";
import { VERSION as RELEASE } from "../version.ts";
import { directoryExists, directoryOf, missing, type Place } from "./directory.ts";

/**
 * Rises when a program that knows only lower ones could not live with a record: a field it needs is
 * gone or means something else, the journal has an op that it cannot undo, or init and `start` speak
 * otherwise. Fields that such a program may overlook are added without, as optional ones.
 */
const FORMAT = 1;

/** A process, told from a later one of the same pid by when it started. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: string;
  /** The boot that it was seen in: both numbers begin anew with the next. */
  boot?: string;
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

/** A directory, and the mount that it was reached by. */
export interface RootIdentity {
  mountId: number;
  /** Decimal. */
  inode: string;
}

export interface ContainerRecord {
  version: number;
  /** The release that wrote it, for people. */
  release: string;
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
  /** Whether that serves others too, and is not to be ended. It cleans up after itself. */
  creatorServes?: true;
  /** Its first process, once there is one. */
  init?: ProcessIdentity;
  /** What its root was before its program ran. */
  root?: RootIdentity;
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
  /** Whether its processes keep the session keyring of who makes them (--no-new-keyring). */
  noNewKeyring?: true;
  /** Whether its processes have a pid namespace that ends with init. */
  ownPidNamespace: boolean;
  /** Effects to undo, in the order of the plan; written before the first one happens. */
  journal: readonly JournalEntry[];
}

/** What is written of a container; the record says itself by whom. */
export type RecordContent = Omit<ContainerRecord, "version" | "release">;

/** Writes a record so that a reader finds the old or the new one, whole. */
export function writeRecord(place: Place, content: RecordContent): void {
  const path = `${directoryOf(place)}/record.json`;
  const record: ContainerRecord = { version: FORMAT, release: RELEASE, ...content };
  writeFile(`${path}.new`, JSON.stringify(record), 0o600);
  rename(`${path}.new`, path);
}

/**
 * Reads a record; undefined when the folder has none yet, because create was ended so early.
 * @throws StateError when there is no such container; RuntimeError when the record is damaged, or
 *   of a release that this one cannot follow
 */
export function readRecord(place: Place): ContainerRecord | undefined {
  const text = textOf(place);
  if (text === undefined) return undefined;
  const record = parsed(text);
  const { version, release } = { version: 0, release: "?", ...record };
  if (typeof version === "number" && version > FORMAT) {
    throw unreadable(
      place,
      `is of runt ${release} and has format ${version}, this is runt ${RELEASE} and knows format ${FORMAT}`,
    );
  }
  if (!isRecord(record)) throw unreadable(place, "is damaged");
  return record;
}

/**
 * What it takes to end a container whose record cannot be read otherwise, as far as it is there. What
 * a newer release has renamed is missing.
 */
export function salvageRecord(place: Place): Remains {
  const text = textOf(place);
  const { init, cgroups, journal, ownPidNamespace }: Unchecked = {
    ...(text === undefined ? undefined : parsed(text)),
  };
  return {
    ...(isIdentity(init) && { init }),
    cgroups: Array.isArray(cgroups) ? cgroups.filter(isText) : [],
    journal: Array.isArray(journal) ? journal.filter(isEntry) : [],
    // Otherwise whoever is in its cgroups is killed, which is right in either case.
    ownPidNamespace: ownPidNamespace === true,
  };
}

/** What `delete` needs to know of a container. */
export type Remains = Pick<ContainerRecord, "init" | "cgroups" | "journal" | "ownPidNamespace">;

type Unchecked = { readonly [Key in keyof ContainerRecord]?: unknown };

function isIdentity(value: unknown): value is ProcessIdentity {
  if (!isObject(value)) return false;
  const { pid, startTime, boot }: { [Key in keyof ProcessIdentity]?: unknown } = value;
  return typeof pid === "number" && isText(startTime) && (boot === undefined || isText(boot));
}

function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value)) return false;
  const { op, args }: { [Key in keyof JournalEntry]?: unknown } = value;
  return isText(op) && isText(args);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function textOf(place: Place): string | undefined {
  try {
    return readFile(`${directoryOf(place)}/record.json`);
  } catch (error) {
    const absent = error instanceof SyscallError && error.errno === ENOENT;
    if (!absent) throw error;
    if (!directoryExists(place)) throw missing(place);
    return undefined;
  }
}

function unreadable({ id }: Place, why: string): RuntimeError {
  return new RuntimeError(
    `the record of container "${id}" ${why} (hint: delete --force removes it)`,
  );
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** By its number; what a program of this format, or a lower one, has written is taken as it is. */
function isRecord(value: object | undefined): value is ContainerRecord {
  if (value === undefined || !("version" in value)) return false;
  const { version } = value;
  return typeof version === "number" && version >= 1 && version <= FORMAT;
}
