// A pod through its life, as Kubernetes has containerd take it.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Containerd } from "../support/callers/containerd.ts";
import { CRI, MODE } from "../support/callers/cri.ts";
import { callMethod } from "../support/callers/grpc.ts";
import { imageName } from "../support/callers/image.ts";
import { removeEmptyCgroups } from "../support/leaks.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { waitUntil } from "../support/wait.ts";

/** Runs a pod and a container in it by the handler "runt". */
export async function tryPod({ socket, root }: Containerd): Promise<void> {
  const states = join(root, "../k8s.io");
  const namespaceOptions = { network: MODE.node, pid: MODE.container };
  const cgroupParent = `/${freshName()}`;
  const config = {
    metadata: { name: "pod", uid: freshName(), namespace: "tests" },
    logDirectory: freshDirectory(),
    linux: { cgroupParent, securityContext: { namespaceOptions } },
  };
  const pod = await callMethod(socket, CRI.runPodSandbox, { config, runtimeHandler: "runt" });
  try {
    const { containerId } = await callMethod(socket, CRI.createContainer, {
      ...pod,
      sandboxConfig: config,
      config: {
        metadata: { name: "one" },
        image: { image: imageName },
        command: ["sh", "-c", "echo logged; trap 'exit 0' TERM; sleep 1000 & wait"],
        logPath: "one.log",
        linux: {
          resources: { memoryLimitInBytes: 50_003_968n },
          securityContext: { namespaceOptions, readonlyRootfs: true, noNewPrivs: true },
        },
      },
    });
    await callMethod(socket, CRI.startContainer, { containerId });
    assert.equal(readdirSync(states).sort(), [containerId, pod.podSandboxId].sort());
    const log = join(config.logDirectory, "one.log");
    await waitUntil("the log", () => readFileSync(log, "utf8").includes("stdout F logged"));

    const cmd = ["sh", "-c", "readlink /proc/self/ns/ipc; touch /file; exit 3"];
    const exec = await callMethod(socket, CRI.execSync, { containerId, cmd, timeout: 20n });
    const sandbox = await runt(["state", pod.podSandboxId], { root: states });
    const ipc = readlinkSync(`/proc/${JSON.parse(sandbox.stdout).pid}/ns/ipc`);
    assert.equal([exec.exitCode, text(exec.stdout)], [3, `${ipc}\n`]);
    assert.match(text(exec.stderr), /Read-only file system/);

    const linux = { memoryLimitInBytes: 60_002_304n };
    await callMethod(socket, CRI.updateContainerResources, { containerId, linux });
    await callMethod(socket, CRI.stopContainer, { containerId, timeout: 20n });
  } finally {
    await callMethod(socket, CRI.stopPodSandbox, pod);
    await callMethod(socket, CRI.removePodSandbox, pod);
    removeEmptyCgroups(cgroupParent);
  }
  assert.equal(readdirSync(states), []);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
