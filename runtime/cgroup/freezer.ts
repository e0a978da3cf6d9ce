// Freezing and thawing a container's processes, by the freezer of v1 or the one that every cgroup of
// v2 has (cgroup-v1/freezer-subsystem.rst; cgroup-v2.rst, cgroup.freeze). Whether they are frozen is
// asked in frozen.ts.

import { RuntimeError, SyscallError } from "../errors.ts";
import { readFile } from "../sys/file.ts";
import { getPid } from "../sys/process.ts";
import { exists, writeControl } from "./files.ts";
import { cgroupPids, childCgroups } from "./manager.ts";

/** How long processes may take to come to rest. */
const TIMEOUT_MS = 2_000;
/** How long v1 gets before what it holds is let go for a moment. */
const ATTEMPT_MS = 100;

/**
 * Freezes all processes of a container, and returns when they have come to rest.
 * @throws RuntimeError when they do not, and are thawed again; or when there is nothing to do it with
 */
export function freeze(directories: readonly string[]): void {
  const freezer = freezerOf(directories);
  if (freezer === undefined) {
    throw new RuntimeError("the container has no cgroup that can be frozen");
  }
  const { directory } = freezer;
  if (cgroupPids(directory).includes(getPid())) {
    throw new RuntimeError(`this process itself is in ${directory}: it cannot freeze it`);
  }
  if (freezer.isV1 ? freezeV1(directory) : freezeV2(directory)) return;
  write(freezer, false);
  throw new RuntimeError(`the processes in ${directory} did not freeze within ${TIMEOUT_MS} ms`);
}

/**
 * Thaws what {@link freeze} has frozen.
 * @throws RuntimeError when a cgroup above keeps it frozen
 */
export function thaw(directories: readonly string[]): void {
  const freezer = freezerOf(directories);
  if (freezer === undefined) return;
  const { directory, isV1 } = freezer;
  write(freezer, false);
  const isThawed = isV1 ? () => stateV1(directory) === "THAWED" : () => !isFrozenV2(directory);
  if (until(isThawed, TIMEOUT_MS)) return;
  throw new RuntimeError(`${directory} stays frozen: a cgroup above it is frozen`);
}

/** Thaws a container and the cgroups that it has made in its own, as far as they are the caller's. */
export function thawAll(directories: readonly string[]): void {
  const freezer = freezerOf(directories);
  if (freezer === undefined) return;
  try {
    write(freezer, false);
  } catch (error) {
    // Gone, or somebody else's.
    if (!(error instanceof SyscallError)) throw error;
    return;
  }
  for (const child of childCgroups(freezer.directory)) thawAll([child]);
}

interface Freezer {
  directory: string;
  isV1: boolean;
}

function freezerOf(directories: readonly string[]): Freezer | undefined {
  for (const [file, isV1] of [
    ["freezer.state", true],
    ["cgroup.freeze", false],
  ] as const) {
    const directory = directories.find((one) => exists(`${one}/${file}`));
    if (directory !== undefined) return { directory, isV1 };
  }
  return undefined;
}

function write({ directory, isV1 }: Freezer, frozen: boolean): void {
  if (isV1) writeControl(`${directory}/freezer.state`, frozen ? "FROZEN" : "THAWED");
  else writeControl(`${directory}/cgroup.freeze`, frozen ? "1" : "0");
}

/**
 * A process that forks, or waits for one that is frozen already, can keep v1 at FREEZING for as long
 * as it is asked: thawed for a moment it gets past that, and freezing is tried again.
 */
function freezeV1(directory: string): boolean {
  for (const endMs = performance.now() + TIMEOUT_MS; performance.now() < endMs; ) {
    write({ directory, isV1: true }, true);
    if (until(() => stateV1(directory) === "FROZEN", ATTEMPT_MS)) return true;
    write({ directory, isV1: true }, false);
    Bun.sleepSync(10);
  }
  return false;
}

function freezeV2(directory: string): boolean {
  write({ directory, isV1: false }, true);
  return until(() => isFrozenV2(directory), TIMEOUT_MS);
}

function stateV1(directory: string): string {
  return readFile(`${directory}/freezer.state`).trim();
}

function isFrozenV2(directory: string): boolean {
  return /^frozen 1$/m.test(readFile(`${directory}/cgroup.events`));
}

/** Asks in growing steps. */
function until(isSo: () => boolean, timeoutMs: number): boolean {
  const endMs = performance.now() + timeoutMs;
  for (let delayMs = 1; !isSo(); delayMs = Math.min(delayMs * 2, 20)) {
    if (performance.now() > endMs) return false;
    Bun.sleepSync(delayMs);
  }
  return true;
}
