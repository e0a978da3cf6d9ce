// The kinds of machine that are tried, and which tests concern them.

export interface Layout {
  name: string;
  /** Words of the kernel's command line. */
  kernel: readonly string[];
  /** Files of tests. Emulation makes them 10 to 20 times slower: those that need this machine. */
  tests: readonly string[];
  /** Whether programs of the conformance suite run here as well; they know v1 only. */
  conformance?: boolean;
}

/** Two are tried at a time, in this order: those that take long come first. */
export const layouts: readonly Layout[] = [
  {
    name: "v2",
    kernel: ["init=/job/test/vm/guest/init.sh"],
    tests: [
      "test/vm/rights.test.ts",
      "test/vm/limits-v2.test.ts",
      "test/vm/exec-v2.test.ts",
      "test/vm/pause-v2.test.ts",
      "test/system/update.test.ts",
      "test/system/events.test.ts",
      "test/shim/stats.test.ts",
    ],
  },
  {
    name: "v2-systemd",
    kernel: ["systemd.unified_cgroup_hierarchy=1"],
    tests: ["test/vm/apparmor.test.ts", "test/vm/delegation.test.ts", "test/vm/systemd.test.ts"],
  },
  {
    name: "v1-systemd",
    kernel: ["systemd.unified_cgroup_hierarchy=0", "systemd.legacy_systemd_cgroup_controller=1"],
    tests: ["test/vm/systemd.test.ts"],
    conformance: true,
  },
];
