// linux.sysctl (config-linux.md#sysctl): kernel parameters that belong to a namespace.

import type { Config, Namespace } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import { writeSysctl } from "../ops/sysctl.ts";
import { type Clause, step } from "../plan/step.ts";
import { type Container, pointerTo } from "./container.ts";
import { isolates } from "./namespaces.ts";

/** Parameters of the ipc namespace (ipc_namespaces(7)). */
const IPC = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

export function sysctl(config: Config, container: Container): Clause {
  const entries = Object.entries(config.linux?.sysctl ?? {}).map(([key, value]) => ({
    key,
    value,
    pointer: pointerTo("/linux/sysctl", key),
  }));
  const problems = entries.flatMap(({ key, pointer }) =>
    problemsOf(key, pointer, { config, container }),
  );
  return {
    steps: entries.map(({ key, value, pointer }) =>
      step("init", writeSysctl({ key, file: fileOf(key), value }), pointer),
    ),
    problems,
  };
}

/**
 * The file below /proc/sys. Where a key has a slash its dots belong to names
 * (`net/ipv4/conf/eth0.100/forwarding`), as sysctl(8) reads it.
 */
function fileOf(key: string): string {
  return key.includes("/") ? key : key.replaceAll(".", "/");
}

function problemsOf(
  key: string,
  pointer: string,
  { config, container }: { config: Config; container: Container },
): Problem[] {
  const name = key.includes("/") ? key.replaceAll("/", ".") : key;
  const wrong = (message: string, hint?: string): Problem[] => [
    { pointer, message, spec: "config-linux.md#sysctl", ...(hint !== undefined && { hint }) },
  ];
  if (key.split("/").includes("..")) return wrong(`"${key}" is not a name of a parameter`);
  if (name === "kernel.hostname") {
    return wrong("is set by the field hostname", "use /hostname instead");
  }
  const type = namespaceOf(name);
  if (type === undefined) {
    return wrong(`"${key}" is not in a separate kernel namespace`);
  }
  if (type === "user") return wrong(`"${key}" needs a user namespace, which is not supported yet`);
  if (isolates(config, container, type)) return [];
  return wrong(
    `"${key}" would be set for the whole host`,
    `add {"type": "${type}"} to /linux/namespaces`,
  );
}

function namespaceOf(name: string): Namespace["type"] | undefined {
  if (IPC.has(name) || name.startsWith("fs.mqueue.")) return "ipc";
  if (name.startsWith("net.")) return "network";
  if (name === "kernel.domainname") return "uts";
  return name.startsWith("user.") ? "user" : undefined;
}
