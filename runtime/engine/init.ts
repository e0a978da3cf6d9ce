// The process that a plan ends in.

/** The container's first process, or an exec's, as the host sees it. */
export interface Init {
  pid: number;
  /** {@link REAPED} for a sibling that has ended already. */
  pidfd: number;
}

export const REAPED = -1;
