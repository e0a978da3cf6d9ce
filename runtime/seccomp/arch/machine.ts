// The architectures that have a table, and the machines that are filtered natively.

import { AARCH64 } from "./aarch64.ts";
import type { Arch } from "./arch.ts";
import { ARM } from "./arm.ts";
import { X32 } from "./x32.ts";
import { X86 } from "./x86.ts";
import { X86_64 } from "./x86_64.ts";

/** Those of one `audit` by ascending `firstNumber`. */
export const ARCHS: readonly Arch[] = [X86_64, X32, X86, AARCH64, ARM];

/** A machine's own architecture is filtered whether the profile names it or not, as by libseccomp. */
export const NATIVE = { x86_64: X86_64, aarch64: AARCH64 } satisfies Record<string, Arch>;

export type MachineName = keyof typeof NATIVE;
