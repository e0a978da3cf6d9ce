// The part of `linux.seccomp` that the compiler reads. Names are plain strings: whether they are
// known is refuse.ts's matter.

/** `linux.seccomp` of config.json (config-linux.md#seccomp). */
export interface Seccomp {
  defaultAction?: string;
  defaultErrnoRet?: number | bigint;
  architectures?: readonly string[];
  flags?: readonly string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: readonly SeccompSyscall[];
}

export interface SeccompSyscall {
  names: readonly string[];
  action: string;
  errnoRet?: number | bigint;
  args?: readonly SeccompArg[];
}

export interface SeccompArg {
  /** Which argument, 0 to 5. */
  index: number | bigint;
  /** 64 bits, unsigned. The mask for SCMP_CMP_MASKED_EQ. */
  value: number | bigint;
  /** The masked value to compare with, for SCMP_CMP_MASKED_EQ alone. Absent: 0. */
  valueTwo?: number | bigint;
  op: string;
}

/** Whether there are calls that an agent answers; without, `listenerPath` means nothing. */
export function notifies({ syscalls = [] }: Seccomp): boolean {
  return syscalls.some(({ action }) => action === "SCMP_ACT_NOTIFY");
}

/**
 * Whether a profile asks for a filter at all. One without default action and without system calls
 * does not, as in runc; every other does, even one that allows everything.
 */
export function isSeccompEnabled(profile: Seccomp): boolean {
  return (profile.defaultAction ?? "") !== "" || (profile.syscalls ?? []).length > 0;
}
