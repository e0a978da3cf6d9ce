// The machines that a profile can be compiled for, and the architectures that can run on each.

import type { Arch } from "./arch.ts";
import { X32 } from "./x32.ts";
import { X86 } from "./x86.ts";
import { X86_64 } from "./x86_64.ts";

export type MachineName = keyof typeof MACHINES;

export interface Machine {
  /** Filtered whether the profile names it or not, as libseccomp does. */
  native: Arch;
  /** All that can run, the native one first; those of one `audit` by ascending `firstNumber`. */
  archs: readonly Arch[];
}

export const MACHINES = {
  x86_64: { native: X86_64, archs: [X86_64, X32, X86] },
} satisfies Record<string, Machine>;
