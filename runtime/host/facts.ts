// What the compiler has to know of the machine: one frozen object, probed once (probe.ts).
// Fixtures of other hosts stand in test/hosts/.

import type { CgroupLayout } from "../cgroup/layout.ts";

export interface HostFacts {
  /** Kernel release as uname(2) gives it, such as "6.1.0-13-amd64". */
  readonly kernel: string;
  /** Machine as uname(2) gives it: "x86_64" or "aarch64". */
  readonly machine: string;
  /** Effective user id of the caller. */
  readonly uid: number;
  /** Whether the caller is in a user namespace other than the initial one. */
  readonly userNamespace: boolean;
  /** Names of the capabilities in the caller's bounding set, such as "CAP_CHOWN". */
  readonly capabilities: readonly string[];
  /** File mode creation mask of the caller. */
  readonly umask: number;
  /** Whether these Linux security modules are active. */
  readonly apparmor: boolean;
  readonly selinux: boolean;
  readonly cgroup: CgroupLayout;
  /** Inode numbers of the caller's namespaces by type, to tell a path to one's own from another. */
  readonly namespaces: Readonly<Record<string, string>>;
}
