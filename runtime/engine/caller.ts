// What the caller gave this process and the engine has changed since: a program gets it back.

import { getLimit, type Limit, setUmask } from "../sys/process.ts";

/** RLIMIT_NOFILE's number (setrlimit(2)). */
const RLIMIT_NOFILE = 7;

/** Set by the launcher: the caller's soft limit of open files, which the engine raises. */
const OPEN_FILES_VARIABLE = "RUNT_OPEN_FILES";

export interface CallerLimits {
  /** The limit of open files as it was; undefined when the launcher did not say. */
  openFiles: (Limit & { resource: number }) | undefined;
  umask: number;
}

/** Reads what there is to restore; the environment is the process's own. */
export function callerLimits(
  environment: Readonly<Record<string, string | undefined>>,
): CallerLimits {
  const said = environment[OPEN_FILES_VARIABLE];
  const umask = setUmask(0o22);
  setUmask(umask);
  if (said === undefined || !/^\d+$/.test(said)) return { openFiles: undefined, umask };
  const { hard } = getLimit(RLIMIT_NOFILE);
  const soft = BigInt(said);
  const least = soft < hard ? soft : hard;
  return { openFiles: { resource: RLIMIT_NOFILE, soft: least, hard }, umask };
}

/** The caller's environment without what the launcher added, as `NAME=value`. */
export function callerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  return Object.entries(environment)
    .filter(([name]) => !isOurs(name))
    .map(([name, value]) => `${name}=${value ?? ""}`);
}

const ALLOCATOR_VARIABLES = ["MIMALLOC_SCAVENGER", "MIMALLOC_PURGE_HOLES_MIN_INTERVAL"];

function isOurs(name: string): boolean {
  if (name.startsWith("BUN_") || name === OPEN_FILES_VARIABLE) return true;
  return ALLOCATOR_VARIABLES.includes(name);
}
