// What the compiler has to know of the machine: one frozen object, probed once (probe.ts).
// Fixtures of other hosts stand in test/hosts/.

import type { CgroupLayout } from "../cgroup/layout.ts";

export interface HostFacts {
  /** Machine as uname(2) gives it: "x86_64" or "aarch64". */
  readonly machine: string;
  /** Effective user id of the caller. */
  readonly uid: number;
  /** Effective group id of the caller. */
  readonly gid: number;
  /** Whether the caller is in a user namespace other than the initial one. */
  readonly userNamespace: boolean;
  /** Names of what the caller has and may pass on, such as "CAP_CHOWN". */
  readonly capabilities: readonly string[];
  /** SECCOMP_FILTER_FLAG_* that the kernel takes; asked when it is read. */
  readonly seccompFlags: number;
  /** Number of the last capability that the kernel knows; looked up when it is asked for. */
  readonly lastCapability: number;
  /** Whether AppArmor is on; looked up when it is asked for. */
  readonly apparmor: boolean;
  /** Whether SELinux is on; looked up when it is asked for. */
  readonly selinux: boolean;
  readonly cgroup: CgroupLayout;
  /** Where resctrl is mounted; null if it is not. Asked for when it is needed. */
  readonly resctrl: string | null;
}
