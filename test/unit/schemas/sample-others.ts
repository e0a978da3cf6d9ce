// Features and a state with every field that the schemas know, as material for mutations.

import type { Features, State } from "../../../runtime/config/types.gen.ts";

/** Every field once, each with a value that both schemas accept. */
export const sampleFeatures: Features = {
  ociVersionMin: "1.0.0",
  ociVersionMax: "1.3.0",
  hooks: ["prestart"],
  mountOptions: ["bind", "ro"],
  linux: {
    namespaces: ["mount", "pid"],
    capabilities: ["CAP_KILL"],
    cgroup: { v1: true, v2: true, systemd: true, systemdUser: false, rdma: true },
    seccomp: {
      enabled: true,
      actions: ["SCMP_ACT_ALLOW"],
      operators: ["SCMP_CMP_EQ"],
      archs: ["SCMP_ARCH_X86_64"],
      knownFlags: ["SECCOMP_FILTER_FLAG_LOG"],
      supportedFlags: ["SECCOMP_FILTER_FLAG_LOG"],
    },
    apparmor: { enabled: true },
    selinux: { enabled: false },
    intelRdt: { enabled: true, schemata: true, monitoring: true },
    memoryPolicy: { modes: ["MPOL_BIND"], flags: ["MPOL_F_STATIC_NODES"] },
    mountExtensions: { idmap: { enabled: true } },
    netDevices: { enabled: true },
  },
  annotations: { "org.example.key": "value" },
  potentiallyUnsafeConfigAnnotations: ["org.example."],
};

/** Every field once, each with a value that both schemas accept. */
export const sampleState: State = {
  ociVersion: "1.3.0",
  id: "sample",
  status: "running",
  pid: 4422,
  bundle: "/containers/sample",
  annotations: { "org.example.key": "value" },
};
