// The names of config-linux.md#seccomp that are acted on, and what they are to the kernel.

/** SECCOMP_RET_* of linux/seccomp.h; the low 16 bits are the action's data. */
export const ACTION_VALUES: ReadonlyMap<string, number> = new Map([
  // The kernel's name for KILL is KILL_THREAD since Linux 4.14.
  ["SCMP_ACT_KILL", 0x00000000],
  ["SCMP_ACT_KILL_PROCESS", 0x80000000],
  ["SCMP_ACT_KILL_THREAD", 0x00000000],
  ["SCMP_ACT_TRAP", 0x00030000],
  ["SCMP_ACT_ERRNO", 0x00050000],
  ["SCMP_ACT_TRACE", 0x7ff00000],
  ["SCMP_ACT_ALLOW", 0x7fff0000],
  ["SCMP_ACT_LOG", 0x7ffc0000],
  ["SCMP_ACT_NOTIFY", 0x7fc00000],
]);

/** Actions whose data is an errno (for TRACE: the message that the tracer gets). */
export const ERRNO_ACTIONS: readonly string[] = ["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"];

/** SECCOMP_FILTER_FLAG_* of linux/seccomp.h. */
export const FLAG_VALUES: ReadonlyMap<string, number> = new Map([
  // A container's init has one thread: there is nothing to synchronise.
  ["SECCOMP_FILTER_FLAG_TSYNC", 0],
  ["SECCOMP_FILTER_FLAG_LOG", 1 << 1],
  ["SECCOMP_FILTER_FLAG_SPEC_ALLOW", 1 << 2],
  ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5],
]);

/** SECCOMP_FILTER_FLAG_NEW_LISTENER: no flag of the profile's, but what SCMP_ACT_NOTIFY asks for. */
export const NEW_LISTENER = 1 << 3;

export const SECCOMP_ACTIONS: readonly string[] = [...ACTION_VALUES.keys()];

export const SECCOMP_OPERATORS: readonly string[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

export const SECCOMP_FLAGS: readonly string[] = [...FLAG_VALUES.keys()];
