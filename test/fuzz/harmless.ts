// Which changed bundles may be created on the machine that runs the tests.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const BUNDLES = join(import.meta.dirname, "../../bundles");

/** Hooks and programs of the samples: what else a change has made of them is not run. */
const known = readdirSync(BUNDLES)
  .map((name) => join(BUNDLES, name, "config.json"))
  .filter((file) => existsSync(file))
  .map((file): unknown => JSON.parse(readFileSync(file, "utf8")));
const knownHooks = known.map((config) => JSON.stringify(Object(config).hooks));
const knownArgs = known.map((config) => JSON.stringify(Object(config).process?.args));

/**
 * Whether a configuration keeps to its root filesystem, its own cgroup and what the samples run: a
 * change may have made another directory of the host its root, or bound one into it.
 */
export function isHarmless(text: string, rootfs: string): boolean {
  const { root, mounts, hooks, process, linux } = Object(JSON.parse(text));
  return (
    root?.path === rootfs &&
    knownArgs.includes(JSON.stringify(process?.args)) &&
    (hooks === undefined || knownHooks.includes(JSON.stringify(hooks))) &&
    !Array.from(mounts ?? []).some(bindsFromHost) &&
    linux?.cgroupsPath === undefined &&
    linux?.intelRdt === undefined &&
    !Array.from(linux?.namespaces ?? []).some((one) => Object(one).path !== undefined)
  );
}

function bindsFromHost(mount: unknown): boolean {
  const { options, type } = Object(mount);
  return type === "bind" || Array.from(options ?? []).some((option) => /bind/.test(`${option}`));
}
