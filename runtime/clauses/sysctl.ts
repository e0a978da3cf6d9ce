// linux.sysctl (config-linux.md#sysctl): kernel parameters that belong to a namespace.

import type { Config, Namespace } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import { writeSysctl } from "../ops/sysctl.ts";
import { type Clause, step } from "../plan/step.ts";
import { type Container, pointerTo } from "./container.ts";
import { hasNamespace, isolates } from "./namespaces.ts";

/** Files of the ipc namespace below /proc/sys, besides all of fs/mqueue (ipc_namespaces(7)). */
const IPC = new Set([
  "kernel/msgmax",
  "kernel/msgmnb",
  "kernel/msgmni",
  "kernel/sem",
  "kernel/shmall",
  "kernel/shmmax",
  "kernel/shmmni",
  "kernel/shm_rmid_forced",
]);

export function sysctl(config: Config, container: Container): Clause {
  const entries = Object.entries(config.linux?.sysctl ?? {}).map(([key, value]) => ({
    key,
    value,
    file: fileOf(key),
    pointer: pointerTo("/linux/sysctl", key),
  }));
  const problems = entries.flatMap((entry) => problemsOf(entry, config, container));
  return {
    steps: entries.map(({ key, value, file, pointer }) =>
      step("init", writeSysctl({ key, file, value }), pointer),
    ),
    problems,
  };
}

/**
 * The file below /proc/sys, as sysctl(8) reads a key: the first separator is the one between names,
 * and the other one is a dot in a name (`net/ipv4/conf/eth0.100/mtu`, `net.ipv4.conf.eth0/100.mtu`).
 */
function fileOf(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  if (first === "/") return key;
  return key.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

function problemsOf(
  { key, file, pointer }: { key: string; file: string; pointer: string },
  config: Config,
  container: Container,
): Problem[] {
  const wrong = (message: string, hint?: string): Problem[] => [
    { pointer, message, spec: "config-linux.md#sysctl", ...(hint !== undefined && { hint }) },
  ];
  if (file.split("/").some((name) => ["", ".", ".."].includes(name))) {
    return wrong(`"${key}" is not a name of a parameter`);
  }
  if (file === "kernel/hostname") {
    return wrong("is set by the field hostname", "use /hostname instead");
  }
  const type = namespaceOf(file);
  if (type === undefined) {
    return wrong(`"${key}" is not in a separate kernel namespace`);
  }
  if (isolates(config, container, type)) return [];
  const isTheirs = hasNamespace(config, type);
  return wrong(
    isTheirs
      ? `"${key}" would be set for the caller, whose ${type} namespace the container joins`
      : `"${key}" would be set for the whole host`,
    isTheirs
      ? `take the path of {"type": "${type}"} out of /linux/namespaces`
      : `add {"type": "${type}"} to /linux/namespaces`,
  );
}

function namespaceOf(file: string): Namespace["type"] | undefined {
  if (IPC.has(file) || file.startsWith("fs/mqueue/")) return "ipc";
  if (file.startsWith("net/")) return "network";
  if (file === "kernel/domainname") return "uts";
  return file.startsWith("user/") ? "user" : undefined;
}
