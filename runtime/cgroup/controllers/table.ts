// The controllers that linux.resources can be about, in the order in which they are set.

import { cpu } from "./cpu.ts";
import { cpuset } from "./cpuset.ts";
import { devices } from "./devices.ts";
import type { Controller } from "./limits.ts";
import { memory } from "./memory.ts";
import { pids } from "./pids.ts";

export const CONTROLLERS: readonly Controller[] = [cpuset, cpu, memory, pids, devices];

/** What a refused write to a file usually means, where we know. */
export function hintFor(file: string, errno: number): string | undefined {
  for (const { hints } of CONTROLLERS) {
    const hint = hints?.[file]?.[errno];
    if (hint !== undefined) return hint;
  }
  return undefined;
}
