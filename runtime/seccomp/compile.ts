// Compiles `linux.seccomp` to the program and the flags for seccomp(2). The program looks at the
// architecture, then finds the system call number by binary search among ranges of equal outcome.

import { MACHINES, type MachineName } from "./arch/machine.ts";
import { newBpf, programBytes, putJump, putLoad, putReturn } from "./bpf.ts";
import { FLAG_VALUES, NEW_LISTENER } from "./names.ts";
import { isSeccompEnabled, notifies, type Seccomp } from "./profile.ts";
import { putSearch } from "./put-search.ts";
import { type Fallbacks, rangesFrom } from "./ranges.ts";
import { actionValue, rulesFrom } from "./rules.ts";

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
  /** For the debug log: system calls that the profile names and no filtered architecture has. */
  warnings: string[];
}

/** Offset of `arch` in struct seccomp_data, linux/seccomp.h. */
const ARCH = 4;

const ENOSYS = 38;

/** libseccomp's answer to an architecture that the filter does not have: kill the thread. */
const BAD_ARCH = 0;

/**
 * The filter of a profile in which `seccompProblems` found nothing; undefined if the profile asks
 * for none.
 *
 * @param machine What the kernel runs on. Its own architecture is always filtered; others in
 *   `architectures` that it cannot run have no effect.
 * @throws RuntimeError if the program gets longer than the kernel takes, or at an unknown name.
 */
export function compileSeccomp(profile: Seccomp, machine: MachineName): SeccompFilter | undefined {
  if (!isSeccompEnabled(profile)) return undefined;
  const { native, archs } = MACHINES[machine];
  const wanted = profile.architectures ?? [];
  const filtered = archs.filter((arch) => arch === native || wanted.includes(arch.name));
  const { archRules, unknown } = rulesFrom(profile, filtered);
  const fallbacks = fallbacksOf(profile);

  const bpf = newBpf();
  let place = putReturn(bpf, BAD_ARCH);
  // Written from the end: the native architecture, tested first, comes last.
  for (const audit of [...new Set(filtered.map((arch) => arch.audit))].reverse()) {
    const all = archs.filter((arch) => arch.audit === audit);
    const ranges = rangesFrom(all, archRules, fallbacks);
    const search = putSearch(bpf, ranges, fallbacks.unnamed);
    place = putJump(bpf, { code: "eq", k: audit, yes: search, no: place });
  }
  putLoad(bpf, ARCH);

  return {
    program: programBytes(bpf),
    instructions: bpf.length,
    flags: flagsOf(profile),
    warnings: unknown.map(
      (name) => `seccomp: system call "${name}" is unknown; its rule is skipped`,
    ),
  };
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
