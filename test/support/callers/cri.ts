// What Kubernetes asks containerd for: the part of its Container Runtime Interface that tests need.

import { many, message, one } from "../../../shim/proto/message.ts";

/** runtime.v1.NamespaceMode. */
export const MODE = { pod: 0, container: 1, node: 2 } as const;

/** runtime.v1.ContainerState. */
export const STATE = { created: 0, running: 1, exited: 2 } as const;

const IDMapping = message("runtime.v1.IDMapping", {
  hostId: one(1, "uint32"),
  containerId: one(2, "uint32"),
  length: one(3, "uint32"),
});
const NamespaceOption = message("runtime.v1.NamespaceOption", {
  network: one(1, "enum"),
  pid: one(2, "enum"),
  ipc: one(3, "enum"),
  usernsOptions: one(
    5,
    message("runtime.v1.UserNamespace", {
      mode: one(1, "enum"),
      uids: many(2, IDMapping),
      gids: many(3, IDMapping),
    }),
  ),
});
const SecurityContext = message("runtime.v1.LinuxSandboxSecurityContext", {
  namespaceOptions: one(1, NamespaceOption),
});
const Metadata = message("runtime.v1.PodSandboxMetadata", {
  name: one(1, "string"),
  uid: one(2, "string"),
  namespace: one(3, "string"),
});
const PodConfig = message("runtime.v1.PodSandboxConfig", {
  metadata: one(1, Metadata),
  hostname: one(2, "string"),
  logDirectory: one(3, "string"),
  linux: one(
    8,
    message("runtime.v1.LinuxPodSandboxConfig", {
      cgroupParent: one(1, "string"),
      securityContext: one(2, SecurityContext),
    }),
  ),
});
const Resources = message("runtime.v1.LinuxContainerResources", {
  cpuPeriod: one(1, "int64"),
  cpuQuota: one(2, "int64"),
  cpuShares: one(3, "int64"),
  memoryLimitInBytes: one(4, "int64"),
});
const ContainerSecurityContext = message("runtime.v1.LinuxContainerSecurityContext", {
  namespaceOptions: one(3, NamespaceOption),
  readonlyRootfs: one(7, "bool"),
  noNewPrivs: one(11, "bool"),
});
const ContainerConfig = message("runtime.v1.ContainerConfig", {
  metadata: one(1, message("runtime.v1.ContainerMetadata", { name: one(1, "string") })),
  image: one(2, message("runtime.v1.ImageSpec", { image: one(1, "string") })),
  command: many(3, "string"),
  logPath: one(11, "string"),
  stdin: one(12, "bool"),
  tty: one(14, "bool"),
  linux: one(
    15,
    message("runtime.v1.LinuxContainerConfig", {
      resources: one(1, Resources),
      securityContext: one(2, ContainerSecurityContext),
    }),
  ),
});

const Count = message("runtime.v1.UInt64Value", { value: one(1, "uint64") });
const CpuUsage = message("runtime.v1.CpuUsage", { usageCoreNanoSeconds: one(2, Count) });
const MemoryUsage = message("runtime.v1.MemoryUsage", {
  workingSetBytes: one(2, Count),
  usageBytes: one(4, Count),
});
const ContainerStats = message("runtime.v1.ContainerStats", {
  attributes: one(1, message("runtime.v1.ContainerAttributes", { id: one(1, "string") })),
  cpu: one(2, CpuUsage),
  memory: one(3, MemoryUsage),
});
const ContainerStatus = message("runtime.v1.ContainerStatus", {
  state: one(3, "enum"),
  finishedAt: one(6, "int64"),
  exitCode: one(7, "int32"),
  reason: one(10, "string"),
});
const RuntimeHandler = message("runtime.v1.RuntimeHandler", {
  name: one(1, "string"),
  features: one(
    2,
    message("runtime.v1.RuntimeHandlerFeatures", {
      recursiveReadOnlyMounts: one(1, "bool"),
      userNamespaces: one(2, "bool"),
    }),
  ),
});

const Nothing = message("runtime.v1.Nothing", {});
const method = <Asks, Answers>(name: string, asks: Asks, answers: Answers) => ({
  path: `/runtime.v1.RuntimeService/${name}`,
  asks,
  answers,
});

/** The methods, to be called by `callMethod`. */
export const CRI = {
  runPodSandbox: method(
    "RunPodSandbox",
    message("runtime.v1.RunPodSandboxRequest", {
      config: one(1, PodConfig),
      runtimeHandler: one(2, "string"),
    }),
    message("runtime.v1.RunPodSandboxResponse", { podSandboxId: one(1, "string") }),
  ),
  createContainer: method(
    "CreateContainer",
    message("runtime.v1.CreateContainerRequest", {
      podSandboxId: one(1, "string"),
      config: one(2, ContainerConfig),
      sandboxConfig: one(3, PodConfig),
    }),
    message("runtime.v1.CreateContainerResponse", { containerId: one(1, "string") }),
  ),
  startContainer: method(
    "StartContainer",
    message("runtime.v1.StartContainerRequest", { containerId: one(1, "string") }),
    Nothing,
  ),
  execSync: method(
    "ExecSync",
    message("runtime.v1.ExecSyncRequest", {
      containerId: one(1, "string"),
      cmd: many(2, "string"),
      timeout: one(3, "int64"),
    }),
    message("runtime.v1.ExecSyncResponse", {
      stdout: one(1, "bytes"),
      stderr: one(2, "bytes"),
      exitCode: one(3, "int32"),
    }),
  ),
  updateContainerResources: method(
    "UpdateContainerResources",
    message("runtime.v1.UpdateContainerResourcesRequest", {
      containerId: one(1, "string"),
      linux: one(2, Resources),
    }),
    Nothing,
  ),
  stopContainer: method(
    "StopContainer",
    message("runtime.v1.StopContainerRequest", {
      containerId: one(1, "string"),
      timeout: one(2, "int64"),
    }),
    Nothing,
  ),
  stopPodSandbox: method(
    "StopPodSandbox",
    message("runtime.v1.StopPodSandboxRequest", { podSandboxId: one(1, "string") }),
    Nothing,
  ),
  removePodSandbox: method(
    "RemovePodSandbox",
    message("runtime.v1.RemovePodSandboxRequest", { podSandboxId: one(1, "string") }),
    Nothing,
  ),
  removeContainer: method(
    "RemoveContainer",
    message("runtime.v1.RemoveContainerRequest", { containerId: one(1, "string") }),
    Nothing,
  ),
  containerStatus: method(
    "ContainerStatus",
    message("runtime.v1.ContainerStatusRequest", { containerId: one(1, "string") }),
    message("runtime.v1.ContainerStatusResponse", { status: one(1, ContainerStatus) }),
  ),
  listContainerStats: method(
    "ListContainerStats",
    message("runtime.v1.ListContainerStatsRequest", {
      filter: one(
        1,
        message("runtime.v1.ContainerStatsFilter", { podSandboxId: one(2, "string") }),
      ),
    }),
    message("runtime.v1.ListContainerStatsResponse", { stats: many(1, ContainerStats) }),
  ),
  podSandboxStats: method(
    "PodSandboxStats",
    message("runtime.v1.PodSandboxStatsRequest", { podSandboxId: one(1, "string") }),
    message("runtime.v1.PodSandboxStatsResponse", {
      stats: one(
        1,
        message("runtime.v1.PodSandboxStats", {
          linux: one(
            2,
            message("runtime.v1.LinuxPodSandboxStats", {
              cpu: one(1, CpuUsage),
              memory: one(2, MemoryUsage),
              process: one(4, message("runtime.v1.ProcessUsage", { processCount: one(2, Count) })),
              containers: many(5, ContainerStats),
            }),
          ),
        }),
      ),
    }),
  ),
  exec: method(
    "Exec",
    message("runtime.v1.ExecRequest", {
      containerId: one(1, "string"),
      cmd: many(2, "string"),
      tty: one(3, "bool"),
      stdin: one(4, "bool"),
      stdout: one(5, "bool"),
      stderr: one(6, "bool"),
    }),
    message("runtime.v1.ExecResponse", { url: one(1, "string") }),
  ),
  attach: method(
    "Attach",
    message("runtime.v1.AttachRequest", {
      containerId: one(1, "string"),
      stdin: one(2, "bool"),
      tty: one(3, "bool"),
      stdout: one(4, "bool"),
      stderr: one(5, "bool"),
    }),
    message("runtime.v1.AttachResponse", { url: one(1, "string") }),
  ),
  status: method(
    "Status",
    message("runtime.v1.StatusRequest", { verbose: one(1, "bool") }),
    message("runtime.v1.StatusResponse", { runtimeHandlers: many(3, RuntimeHandler) }),
  ),
};
