// Compiles `linux.seccomp` to the program and the flags for seccomp(2). The program looks at the
// architecture, then finds the system call number by binary search among ranges of equal outcome.

import { ENOSYS } from "../errno.ts";
import type { Arch } from "./arch/arch.ts";
import { ARCHS, type MachineName, NATIVE } from "./arch/machine.ts";
import { newBpf, programBytes, putJump, putLoad, putReturn } from "./bpf.ts";
import { multiplexed } from "./multiplexed.ts";
import { FLAG_VALUES, NEW_LISTENER } from "./names.ts";
import { isSeccompEnabled, notifies, type Seccomp } from "./profile.ts";
import { putSearch } from "./put-search.ts";
import { type Fallbacks, rangesFrom } from "./ranges.ts";
import { actionValue, type Said, saidIn } from "./rules.ts";

/** What seccomp(2) with SECCOMP_SET_MODE_FILTER takes. */
export interface SeccompFilter {
  /** struct sock_filter[]: 8 bytes an instruction, little endian. */
  program: Uint8Array;
  /** Length of `program` in instructions. */
  instructions: number;
  /**
   * SECCOMP_FILTER_FLAG_*: the profile's, SPEC_ALLOW if it has no `flags`, as in runc, and
   * NEW_LISTENER for SCMP_ACT_NOTIFY.
   */
  flags: number;
}

/** Offset of `arch` in struct seccomp_data, linux/seccomp.h. */
const ARCH = 4;

/** libseccomp's answer to an architecture that the filter does not have: kill the thread. */
const BAD_ARCH = 0;

/**
 * The filter of a profile in which `seccompProblems` found nothing; undefined if the profile asks
 * for none. Names that no filtered architecture knows are skipped, as by runc: profiles are written
 * for many architectures and kernels.
 *
 * @param machine What the kernel runs on. Its own architecture is always filtered, of others those
 *   in `architectures` that have a table; calls of the rest are killed.
 * @throws RuntimeError if the program gets longer than the kernel takes; TypeError at an unknown action
 *   or operator, which the schema does not let through.
 */
export function compileSeccomp(profile: Seccomp, machine: MachineName): SeccompFilter | undefined {
  if (!isSeccompEnabled(profile)) return undefined;
  const native = NATIVE[machine];
  const listed = profile.architectures ?? [];
  const filtered = ARCHS.filter((arch) => arch === native || listed.includes(arch.name));
  const fallbacks = fallbacksOf(profile);
  const said = saidIn(profile, fallbacks.unnamed);
  for (const arch of filtered) addMultiplexers(said, arch, profile);

  const bpf = newBpf();
  let place = putReturn(bpf, BAD_ARCH);
  // Written from the end: the native architecture, tested first, comes last.
  const audits = new Set([native, ...filtered].map((arch) => arch.audit));
  for (const audit of [...audits].reverse()) {
    const archs = ARCHS.filter((arch) => arch.audit === audit);
    const ranges = rangesFrom(archs, { said, filtered, fallbacks });
    const search = putSearch(bpf, ranges, fallbacks.unnamed);
    place = putJump(bpf, { code: "eq", k: audit, yes: search, no: place });
  }
  putLoad(bpf, ARCH);
  return { program: programBytes(bpf), instructions: bpf.length, flags: flagsOf(profile) };
}

/** What is said of socketcall(2) and ipc(2), which no other architecture has, by way of others. */
function addMultiplexers(said: Map<string, Said>, arch: Arch, profile: Seccomp): void {
  const defaultValue = actionValue(profile.defaultAction ?? "", profile.defaultErrnoRet);
  for (const [name, calls] of arch.multiplexers ?? []) {
    if (typeof said.get(name) === "number") continue;
    const found = multiplexed(name, calls, { profile, defaultValue });
    if (found !== undefined) said.set(name, found);
  }
}

function fallbacksOf(profile: Seccomp): Fallbacks {
  const unnamed = actionValue(profile.defaultAction ?? "", profile.defaultErrnoRet);
  // As in runc: a system call newer than the profile does not exist, so that programs fall back to
  // an older one instead of giving up at EPERM. Not where the default lets calls through.
  const newer = isPermissive(profile) ? unnamed : actionValue("SCMP_ACT_ERRNO", ENOSYS);
  return { unnamed, newer, badArch: BAD_ARCH };
}

function isPermissive({ defaultAction = "" }: Seccomp): boolean {
  return ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(defaultAction);
}

function flagsOf(profile: Seccomp): number {
  let flags = notifies(profile) ? NEW_LISTENER : 0;
  for (const flag of profile.flags ?? ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]) {
    flags |= FLAG_VALUES.get(flag) ?? 0;
  }
  return flags;
}
