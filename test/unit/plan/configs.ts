// Configurations at random, for what has to hold of every plan.

import type {
  Config,
  Hook,
  Mount,
  Namespace,
  Process,
  Scheduler,
} from "../../../runtime/config/types.gen.ts";
import type { Random } from "../../support/random.ts";

const NAMESPACES: readonly Namespace["type"][] = [
  "pid",
  "network",
  "ipc",
  "uts",
  "cgroup",
  "user",
  "time",
];
const MOUNTS: readonly Mount[] = [
  { destination: "/proc", type: "proc", source: "proc" },
  { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "ro", "mode=755"] },
  { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance"] },
  { destination: "/data", source: "/srv/data", options: ["rbind", "rro", "rslave"] },
  { destination: "/data/file", source: "file", options: ["bind", "nosuid", "nodev"] },
  { destination: "/data", options: ["bind", "remount", "ro"], source: "/srv/data" },
  { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"] },
];
const RANGE = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const KINDS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

const SCHEDULERS: readonly Scheduler[] = [
  { policy: "SCHED_BATCH", nice: 5 },
  { policy: "SCHED_FIFO", priority: 5 },
  { policy: "SCHED_DEADLINE", runtime: 1e6, deadline: 2e6, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
];

/** A configuration of which anything may be present or absent; most can be compiled. */
export function randomConfig(random: Random): Config {
  const maybe = <T extends object>(part: T): T | Record<string, never> =>
    random.below(2) === 0 ? part : {};
  const some = <T>(list: readonly T[]): T[] => list.filter(() => random.below(2) === 0);
  const namespaces: Namespace[] = [
    { type: "mount" },
    ...some(NAMESPACES).map((type) =>
      random.below(4) === 0 ? { type, path: `/run/ns/${type}` } : { type },
    ),
  ];
  const has = (type: string): boolean => namespaces.some((one) => one.type === type);
  const isNew = (type: string): boolean =>
    namespaces.some((one) => one.type === type && one.path === undefined);
  const order = random.below(2) === 0 ? namespaces : namespaces.toReversed();
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs", ...maybe({ readonly: true }) },
    ...(has("uts") && { ...maybe({ hostname: "host" }), ...maybe({ domainname: "example.test" }) }),
    ...maybe({ mounts: some(MOUNTS) }),
    process: {
      args: ["sh", "-c", "true"],
      cwd: "/work",
      user: { uid: 1000, gid: 1000, ...maybe({ additionalGids: [5] }), ...maybe({ umask: 0o77 }) },
      ...partsOfProcess(random, maybe),
    },
    ...maybe({ hooks: Object.fromEntries(some(KINDS).map((kind) => [kind, some(hooksOf(kind))])) }),
    linux: {
      namespaces: order,
      ...(isNew("user") && { uidMappings: RANGE, gidMappings: RANGE }),
      ...(isNew("time") && maybe({ timeOffsets: { boottime: { secs: 100 } } })),
      ...maybe({ cgroupsPath: random.pick(["/a/b", "relative"]) }),
      ...maybe({ devices: [{ type: "c", path: "/dev/fuse", major: 10, minor: 229 }] }),
      ...maybe({ maskedPaths: ["/proc/kcore", "/proc/a~b", "/proc/kcore"] }),
      ...maybe({ readonlyPaths: ["/proc/sys"] }),
      ...maybe({ rootfsPropagation: random.pick(["shared", "private", "rslave", "unbindable"]) }),
      ...(has("network") && maybe({ netDevices: { eth1: { name: "eth%d" }, eth2: {} } })),
      ...(has("ipc") && maybe({ sysctl: { "kernel.msgmax": "8192", "fs.mqueue/msg_max": "10" } })),
      ...maybe({ personality: { domain: "LINUX32" } }),
      ...maybe({ memoryPolicy: { mode: "MPOL_BIND", nodes: "0" } }),
      ...maybe({ mountLabel: "system_u:object_r:container_file_t:s0" }),
      ...maybe({ resources: { memory: { limit: 1 << 26 }, pids: { limit: 10 } } }),
      ...maybe({ seccomp: { defaultAction: "SCMP_ACT_ALLOW" } }),
    },
  };
}

function hooksOf(kind: string): Hook[] {
  return [{ path: `/hooks/${kind}` }, { path: "/bin/sh", args: ["sh", "-c", kind], timeout: 3 }];
}

function partsOfProcess(
  random: Random,
  maybe: <T extends object>(part: T) => T | Record<string, never>,
): Partial<Process> {
  return {
    ...maybe({ terminal: true }),
    ...maybe({ env: ["PATH=/bin", "A=1", "A=2"] }),
    ...maybe({ rlimits: [{ type: "RLIMIT_CORE", soft: 0, hard: 0 }] }),
    ...maybe({ capabilities: { bounding: ["CAP_KILL", "CAP_UNHEARD_OF"] } }),
    ...maybe({ oomScoreAdj: 100 }),
    ...maybe({ ioPriority: { class: "IOPRIO_CLASS_BE", priority: 5 } }),
    ...maybe({ scheduler: random.pick(SCHEDULERS) }),
    ...maybe({ noNewPrivileges: true }),
  };
}
