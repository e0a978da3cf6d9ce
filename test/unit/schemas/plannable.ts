// A configuration with every field, of which a plan can be made, and a host that can do all of it.

import type { Config } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { sampleConfig } from "./sample-config.ts";

const MORE_CONTROLLERS = ["hugetlb", "rdma", "net_cls", "net_prio"];

export const fullHost: HostFacts = {
  ...hybridRoot,
  cgroup: {
    mode: "hybrid",
    hierarchies: [
      ...MORE_CONTROLLERS.map((name) => {
        return { controllers: [name], mount: `/sys/fs/cgroup/${name}`, own: "/" };
      }),
      ...hybridRoot.cgroup.hierarchies,
    ],
  },
  apparmor: true,
  selinux: true,
  resctrl: "/sys/fs/resctrl",
};

const { solaris: _1, windows: _2, vm: _3, zos: _4, freebsd: _5, ...onLinux } = sampleConfig;

const masked = {
  action: "SCMP_ACT_ERRNO",
  args: [{ index: 1, value: 255, valueTwo: 4, op: "SCMP_CMP_MASKED_EQ" }],
};

/** The sample of the schemas, where it asks for what goes together; no object is in it twice. */
export const plannable: Config = JSON.parse(
  JSON.stringify({
    ...onLinux,
    mounts: [
      ...(onLinux.mounts ?? []),
      { destination: "/dev", type: "tmpfs", source: "tmpfs" },
      { destination: "/srv", source: "/srv/other", options: ["rbind", "nosuid", "rro"] },
    ],
    linux: {
      ...onLinux.linux,
      // For hosts with cgroup v2 alone.
      resources: { ...onLinux.linux?.resources, unified: undefined },
      seccomp: {
        ...onLinux.linux?.seccomp,
        syscalls: [...(onLinux.linux?.seccomp?.syscalls ?? []), { ...masked, names: ["socket"] }],
      },
      // One type is left for others to be changed to.
      namespaces: onLinux.linux?.namespaces?.filter(({ type }) => type !== "ipc"),
    },
  }),
);

const { uidMappings: _6, gidMappings: _7, ...withoutMaps } = Object(plannable.linux);

/** The same without a user namespace, where more can be made, and with another scheduler. */
const plannableAsRoot: Config = {
  ...plannable,
  process: {
    ...Object(plannable.process),
    scheduler: { policy: "SCHED_FIFO", priority: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
  },
  linux: {
    ...withoutMaps,
    namespaces: plannable.linux?.namespaces?.filter(({ type }) => type !== "user"),
  },
};

/** What only hosts with cgroup v2 alone can do. */
const plannableOnV2: Config = {
  ociVersion: plannable.ociVersion,
  root: plannable.root,
  linux: { resources: { unified: { "memory.high": "1073741824" } } },
};

/** A configuration with the host that it is for. */
export interface Sample {
  config: Config;
  host: HostFacts;
}

export const samples: readonly Sample[] = [
  { config: plannable, host: fullHost },
  { config: plannableAsRoot, host: fullHost },
  { config: plannableOnV2, host: v2Root },
];
