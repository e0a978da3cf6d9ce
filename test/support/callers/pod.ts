// A pod that a test uses, and which is always removed.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { removeEmptyCgroups } from "../leaks.ts";
import { readProc, statusFields } from "../process.ts";
import { freshDirectory, freshName } from "../room.ts";
import { runt } from "../runt.ts";
import { waitUntil } from "../wait.ts";
import type { Containerd } from "./containerd.ts";
import { CRI, MODE, STATE } from "./cri.ts";
import { callMethod, type Method } from "./grpc.ts";
import { imageName } from "./image.ts";
import { openRemoteCommand, type RemoteCommand } from "./remote-command.ts";

type Asked<M> =
  M extends Method<infer Fields, infer _Answer>
    ? Parameters<typeof callMethod<Fields, Fields>>[2]
    : never;
type ContainerConfig = NonNullable<Asked<typeof CRI.createContainer>["config"]>;
type NamespaceOptions = NonNullable<
  NonNullable<NonNullable<ContainerConfig["linux"]>["securityContext"]>["namespaceOptions"]
>;
type PodOptions = NamespaceOptions & { runtimeHandler?: string };

export interface ContainerOptions extends Pick<ContainerConfig, "stdin" | "tty"> {
  resources?: NonNullable<ContainerConfig["linux"]>["resources"];
  /** Instead of a shell with the script. */
  command?: readonly string[];
}

export interface Pod {
  id: string;
  /** Makes a container that runs a script, and starts it. Returns its id. */
  runs(name: string, script: string, options?: ContainerOptions): Promise<string>;
  /** Runs a script in a container to its end. */
  exec(containerId: string, script: string, timeoutSeconds?: number): Promise<Ended>;
  /** Starts a script in a container, with streams. */
  streams(containerId: string, script: string, tty: boolean): Promise<RemoteCommand>;
  attach(containerId: string, tty: boolean): Promise<RemoteCommand>;
  stop(containerId: string, graceSeconds: number): Promise<void>;
  /** Waits for a container's end; what is known of it then. */
  end(containerId: string): Promise<{ exitCode: number; reason: string }>;
  /** What a container has written so far, as it stands in its log without the times. */
  log(name: string): string;
  /** The process of a container, or of the pod itself, on the host. */
  pid(id: string): Promise<number>;
}

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Where the runtime keeps the containers of pods. */
export function podStates({ root }: Containerd): string {
  return join(root, "../k8s.io");
}

/** The process that is a process's parent. */
export function parentOf(pid: number): number {
  return Number(statusFields(readProc(pid, "status"))["PPid"]);
}

/** Lets a test use a pod, with namespaces other than the usual ones. */
export async function withPod(
  containerd: Containerd,
  { runtimeHandler = "runt", ...namespaceOptions }: PodOptions,
  use: (pod: Pod) => Promise<void>,
): Promise<void> {
  const cgroupParent = `/${freshName()}`;
  const namespaces = { pid: MODE.container, ...namespaceOptions };
  const config = {
    metadata: { name: "pod", uid: freshName(), namespace: "tests" },
    logDirectory: freshDirectory(),
    linux: { cgroupParent, securityContext: { namespaceOptions: namespaces } },
  };
  const { socket } = containerd;
  const asked = { config, runtimeHandler };
  const sandbox = await callMethod(socket, CRI.runPodSandbox, asked);
  try {
    await use({
      id: sandbox.podSandboxId,
      runs: async (name, script, { resources, command, ...options } = {}) => {
        const { containerId } = await callMethod(socket, CRI.createContainer, {
          ...sandbox,
          sandboxConfig: config,
          config: {
            metadata: { name },
            image: { image: imageName },
            command: command ?? ["sh", "-c", script],
            logPath: `${name}.log`,
            linux: { resources, securityContext: { namespaceOptions: namespaces } },
            ...options,
          },
        });
        await callMethod(socket, CRI.startContainer, { containerId });
        return containerId;
      },
      exec: async (containerId, script, timeoutSeconds = 30) => {
        const cmd = ["sh", "-c", script];
        const given = { containerId, cmd, timeout: BigInt(timeoutSeconds) };
        const { exitCode, stdout, stderr } = await callMethod(socket, CRI.execSync, given);
        return { code: exitCode, stdout: text(stdout), stderr: text(stderr) };
      },
      streams: async (containerId, script, tty) => {
        const cmd = ["sh", "-c", script];
        const given = { containerId, cmd, tty, stdin: true, stdout: true, stderr: !tty };
        return openRemoteCommand((await callMethod(socket, CRI.exec, given)).url);
      },
      attach: async (containerId, tty) => {
        const given = { containerId, tty, stdin: true, stdout: true, stderr: !tty };
        return openRemoteCommand((await callMethod(socket, CRI.attach, given)).url);
      },
      stop: async (containerId, graceSeconds) => {
        const given = { containerId, timeout: BigInt(graceSeconds) };
        await callMethod(socket, CRI.stopContainer, given);
      },
      end: async (containerId) => {
        let ended = { exitCode: -1, reason: "" };
        await waitUntil("end of a container", async () => {
          const { status } = await callMethod(socket, CRI.containerStatus, { containerId });
          ended = { exitCode: status?.exitCode ?? -1, reason: status?.reason ?? "" };
          return status?.state === STATE.exited;
        });
        return ended;
      },
      log: (name) =>
        readFileSync(join(config.logDirectory, `${name}.log`), "utf8").replaceAll(/^\S+ /gm, ""),
      pid: async (id) => {
        const { stdout, stderr } = await runt(["state", id], { root: podStates(containerd) });
        if (stdout === "") throw new Error(stderr);
        return JSON.parse(stdout).pid;
      },
    });
  } finally {
    await callMethod(socket, CRI.stopPodSandbox, sandbox);
    await callMethod(socket, CRI.removePodSandbox, sandbox);
    removeEmptyCgroups(cgroupParent);
  }
  const left = readdirSync(podStates(containerd));
  if (left.length > 0) throw new Error(`left of a removed pod: ${left.join(" ")}`);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
