// What the program can do today (features.md), taken from the tables that the code itself works by.

import { PROPERTY_PREFIX } from "../cgroup/systemd/annotations.ts";
import { HOOK_KINDS } from "../clauses/hooks.ts";
import { MEMORY_POLICY_FLAGS, MEMORY_POLICY_MODES } from "../clauses/memory-policy.ts";
import { mountOptionNames } from "../clauses/mount-options.ts";
import { NAMESPACE_TYPES } from "../clauses/namespaces.ts";
import { CAPABILITIES } from "../host/capabilities.ts";
import { ARCHS } from "../seccomp/arch/machine.ts";
import {
  FLAG_VALUES,
  SECCOMP_ACTIONS,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
} from "../seccomp/names.ts";
import { seccompFlags } from "../sys/seccomp.ts";
import { COMMIT, OCI_VERSION, VERSION } from "../version.ts";

export type Features = ReturnType<typeof features>;

/** The features structure. features-linux.md */
export function features() {
  return featuresWith({ supportedFlags: supportedFlags() });
}

/** What is the same on every host, with what depends on it. */
export function featuresWith(found: { supportedFlags?: readonly string[] }) {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: OCI_VERSION,
    hooks: HOOK_KINDS,
    mountOptions: mountOptionNames(),
    linux: {
      namespaces: NAMESPACE_TYPES,
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: SECCOMP_ACTIONS,
        operators: SECCOMP_OPERATORS,
        archs: ARCHS.map(({ name }) => name),
        knownFlags: SECCOMP_FLAGS,
        ...found,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: MEMORY_POLICY_MODES, flags: MEMORY_POLICY_FLAGS },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: { "io.github.runt.version": VERSION, "io.github.runt.commit": COMMIT },
    potentiallyUnsafeConfigAnnotations: [PROPERTY_PREFIX],
  };
}

/** Those of the known ones that this kernel takes. */
function supportedFlags(): string[] {
  const taken = seccompFlags();
  return SECCOMP_FLAGS.filter((name) => ((FLAG_VALUES.get(name) ?? 0) & ~taken) === 0);
}
