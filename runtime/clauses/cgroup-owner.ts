// Whether the container's user becomes the owner of its cgroup (config-linux.md#cgroup-ownership).

import { containerCgroups } from "../cgroup/paths.ts";
import type { Config } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { ownCgroup } from "../ops/cgroup-owner.ts";
import { type Step, step } from "../plan/step.ts";
import type { Container } from "./container.ts";
import { callerId } from "./id-mappings.ts";
import { hasNewNamespace } from "./namespaces.ts";

/**
 * On cgroup v2, with a cgroup namespace of its own and the cgroup filesystem mounted writable, a
 * container may make cgroups below its own: its user owns what takes. v1 is not safe to give away.
 * Only root can; a user whom the configuration does not tell, in a joined user namespace, gets none.
 */
export function cgroupOwner(
  config: Config,
  facts: HostFacts,
  container: Pick<Container, "id" | "systemd">,
): Step[] {
  const { process, linux } = config;
  if (facts.cgroup.mode !== "v2" || facts.uid !== 0 || process === undefined) return [];
  if (!hasNewNamespace(config, "cgroup") || !isMountedWritable(config)) return [];
  const [cgroup] = containerCgroups(facts.cgroup, linux?.cgroupsPath, container);
  const uid = callerId(config, "uid", process.user?.uid ?? 0);
  if (cgroup === undefined || uid === undefined || uid === facts.uid) return [];
  return [step("host", ownCgroup({ directory: cgroup.directory, uid }), "/process/user/uid")];
}

function isMountedWritable({ mounts = [] }: Config): boolean {
  return mounts.some(
    ({ source, destination, options = [] }) =>
      source === "cgroup" &&
      destination.replace(/\/+$/, "") === "/sys/fs/cgroup" &&
      !options.includes("ro"),
  );
}
