// Engines that start containers by a runtime: `docker run`, `podman run` and `ctr run`,
// with each runtime in turn.

import {
  type Docker,
  dockerMissing,
  packaged,
  startDocker,
} from "../test/support/callers/docker.ts";
import { imageName } from "../test/support/callers/image.ts";
import { type Podman, podmanMissing, podmanOf } from "../test/support/callers/podman.ts";
import type { Case } from "./cases.ts";
import { containerd, lacksContainerd } from "./containerd.ts";
import { timedMs } from "./measure.ts";
import type { Runtime } from "./peers.ts";

/** Most of the time is the engine's own, whatever the runtime. */
const budget = 1;

/** Those of engines that are installed; says which is not. */
export function callers(folder: string, runtimes: readonly Runtime[]): Case[] {
  const lacks = [dockerMissing(packaged), podmanMissing(), lacksContainerd()];
  return [docker(runtimes), podman(), containerd(folder, runtimes)].filter((_, index) => {
    if (lacks[index] !== undefined) console.log(`SKIP ${lacks[index]}`);
    return lacks[index] === undefined;
  });
}

function docker(runtimes: readonly Runtime[]): Case {
  let engine: Docker | undefined;
  const nameOf = (runtime: Runtime): string => `bench-${runtimes.indexOf(runtime)}`;
  return {
    title: "docker run --rm true",
    budget,
    begin: async () => {
      const flags = runtimes.map((one) => `--add-runtime=${nameOf(one)}=${one.command}`);
      engine = await startDocker(packaged, { flags });
    },
    sample: (runtime) => {
      const flags = ["--rm", "--network=none", `--runtime=${nameOf(runtime)}`];
      return timedMs(engine?.words("run", ...flags, imageName, "true") ?? []);
    },
    end: async () => engine?.end(),
  };
}

function podman(): Case {
  let engine: Podman | undefined;
  return {
    title: "podman run --rm true",
    budget,
    begin: async () => {
      engine = podmanOf("root");
      await engine.begin();
    },
    sample: ({ command }) => {
      const { command: words, run } = engine ?? podmanOf("root");
      return timedMs([
        ...words(),
        `--runtime=${command}`,
        ...run,
        "--network=none",
        imageName,
        "true",
      ]);
    },
    end: async () => engine?.end(),
  };
}
