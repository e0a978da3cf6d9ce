// What the compiler needs to know of an architecture.

/** One architecture of a profile, as libseccomp divides them: x32 is one of its own. */
export interface Arch {
  /** Its name in `linux.seccomp.architectures`. */
  name: string;
  /** The AUDIT_ARCH_* value of seccomp_data.arch (linux/audit.h). */
  audit: number;
  /** Width of a system call argument in comparisons. */
  argumentBits: 32 | 64;
  /** First number of the range that belongs to this architecture among those of one `audit`. */
  firstNumber: number;
  /** Number of a system call as it stands in seccomp_data.nr; undefined: there is none. */
  numberOf: (name: string) => number | undefined;
  /** Calls that reach others by a number in their first argument. */
  multiplexers?: readonly Multiplexer[];
}

/** socketcall(2) or ipc(2). */
export interface Multiplexer {
  number: number;
  /** The first argument that stands for a system call; undefined: none does. */
  callOf: (name: string) => number | undefined;
}
