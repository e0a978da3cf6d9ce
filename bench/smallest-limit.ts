// The smallest memory limit with which a runtime still runs `true`: what it takes of it for itself.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import { newId, withRoot } from "./living.ts";
import type { Runtime } from "./peers.ts";

const stepKib = 64;
const mostKib = 32 * 1024;
/** All of them have to succeed. */
const tries = 3;

/** In KiB, in steps of 64; undefined where no limit up to 32 MiB is enough. */
export function smallestLimitKib(runtime: Runtime, folder: string): number | undefined {
  const bundle = writeBundle(join(folder, `limit of ${runtime.name}`.replaceAll(" ", "-")), {
    args: ["true"],
    namespaces: defaultNamespaces,
  });
  let tooLittle = 0;
  let enough = mostKib;
  if (!runs(runtime, bundle, enough)) return undefined;
  while (enough - tooLittle > stepKib) {
    const middle = tooLittle + Math.floor((enough - tooLittle) / 2 / stepKib) * stepKib;
    if (runs(runtime, bundle, middle)) enough = middle;
    else tooLittle = middle;
  }
  return enough;
}

function runs(runtime: Runtime, bundle: string, limitKib: number): boolean {
  const file = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.linux.resources.memory = { limit: limitKib * 1024 };
  writeFileSync(file, JSON.stringify(config));
  return Array.from({ length: tries }).every(() => {
    const id = newId();
    const start = withRoot(runtime, bundle);
    const { exitCode } = Bun.spawnSync([...start, "run", "--bundle", bundle, id], {
      stdio: ["ignore", "ignore", "ignore"],
      timeout: 10_000,
    });
    if (exitCode !== 0) Bun.spawnSync([...start, "delete", "--force", id]);
    return exitCode === 0;
  });
}
