// What Kubernetes asks containerd for: the part of its Container Runtime Interface that tests need.

import { many, message, one } from "../../../shim/proto/message.ts";

/** runtime.v1.NamespaceMode. */
export const MODE = { pod: 0, container: 1, node: 2 } as const;

const NamespaceOption = message("runtime.v1.NamespaceOption", {
  network: one(1, "enum"),
  pid: one(2, "enum"),
  ipc: one(3, "enum"),
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
  linux: one(
    15,
    message("runtime.v1.LinuxContainerConfig", {
      resources: one(1, Resources),
      securityContext: one(2, ContainerSecurityContext),
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
};
