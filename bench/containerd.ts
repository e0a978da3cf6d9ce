// containerd's own client, with our shim and with containerd's in front of each other runtime. The
// configurations are of a version that old peers accept.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Containerd,
  containerdFolders,
  containerdMissing,
  SHIM,
  startContainerd,
} from "../test/support/callers/containerd.ts";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import type { Case } from "./cases.ts";
import { newId } from "./living.ts";
import { timedMs } from "./measure.ts";
import type { Runtime } from "./peers.ts";

const folder = containerdFolders.built;

/** Why there is no containerd; undefined if there is one. */
export function lacksContainerd(): string | undefined {
  const why = containerdMissing(folder);
  return why === undefined ? undefined : `containerd: ${why}`;
}

/** `ctr run`, and `ctr task exec` in a container of each. */
export function containerd(place: string, runtimes: readonly Runtime[]): Case {
  let engine: Containerd | undefined;
  const ids = runtimes.map(newId);
  // What it says of the host on standard error it would say a hundred times.
  const quietly = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"];
  const words = (...args: readonly string[]): string[] => [
    ...quietly,
    ...(engine?.client ?? []),
    ...args,
  ];
  const short = configuration(join(place, "short"), ["true"]);
  const long = configuration(join(place, "long"), ["sleep", "3600"]);
  const run = ({ command }: Runtime): string[] =>
    engine?.run(command === runtimes[0]?.command ? undefined : command) ?? [];
  const idOf = (runtime: Runtime): string => ids[runtimes.indexOf(runtime)] ?? "";
  return {
    title: "ctr run --rm true",
    budget: 0.8,
    begin: async () => {
      engine = await startContainerd({ folder, shim: SHIM.runt });
      for (const one of runtimes) {
        await engine.does(...run(one), "-d", `--config=${long}`, idOf(one));
      }
    },
    sample: (runtime) => timedMs(words(...run(runtime), "--rm", `--config=${short}`, newId())),
    also: [
      {
        title: "ctr task exec true",
        budget: 0.5,
        sample: (runtime) => {
          const flags = ["--exec-id", newId(), idOf(runtime)];
          return timedMs(words(...(engine?.exec ?? []), ...flags, "true"));
        },
      },
    ],
    end: async () => {
      for (const one of runtimes) {
        await engine?.ctr(["task", "rm", "--force", idOf(one)]);
        await engine?.ctr(["container", "rm", idOf(one)]);
      }
      await engine?.stop();
    },
  };
}

/** Of a bundle, with the path of its root filesystem in full. */
function configuration(bundle: string, args: readonly string[]): string {
  const file = join(writeBundle(bundle, { args, namespaces: defaultNamespaces }), "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.root.path = join(bundle, "rootfs");
  writeFileSync(file, JSON.stringify(config));
  return file;
}
