// Containers that are alive while something is measured.

import { join } from "node:path";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import { timedMs } from "./measure.ts";
import type { Runtime } from "./peers.ts";

export interface Living {
  begin(): Promise<void>;
  end(): Promise<void>;
  /** The command line about the next container of a runtime; after the last comes the first. */
  about(runtime: Runtime, command: string, ...flags: string[]): string[];
}

let containers = 0;

/** A name that no other container has. */
export function newId(): string {
  containers++;
  return `bench-${process.pid}-${containers}`;
}

/** The start of every command line: the runtime and where it keeps its containers. */
export function withRoot({ command, name }: Runtime, folder: string): string[] {
  return [command, "--root", join(folder, `state of ${name}`.replaceAll(" ", "-"))];
}

/** So many containers of each runtime, which sleep. */
export function living(
  folder: string,
  { runtimes, count }: { runtimes: readonly Runtime[]; count: number },
): Living {
  const bundle = writeBundle(folder, { args: ["sleep", "3600"], namespaces: defaultNamespaces });
  const ids = Array.from({ length: count }, newId);
  const turns = new Map<Runtime, number>();
  return {
    begin: async () => {
      for (const runtime of runtimes) {
        const start = withRoot(runtime, folder);
        for (const id of ids.map((one) => nameOf(one, runtimes.indexOf(runtime)))) {
          // Signals are handled here.
          await Bun.sleep(0);
          timedMs([...start, "create", "--bundle", bundle, id]);
          timedMs([...start, "start", id]);
        }
      }
    },
    end: async () => {
      for (const runtime of runtimes) {
        for (const id of ids.map((one) => nameOf(one, runtimes.indexOf(runtime)))) {
          Bun.spawnSync([...withRoot(runtime, folder), "delete", "--force", id]);
        }
      }
    },
    about: (runtime, command, ...flags) => {
      const turn = turns.get(runtime) ?? 0;
      turns.set(runtime, turn + 1);
      const id = nameOf(ids[turn % count] ?? "", runtimes.indexOf(runtime));
      return [...withRoot(runtime, folder), command, ...flags, id];
    },
  };
}

/** Two runtimes may not have cgroups of one name. */
function nameOf(id: string, runtime: number): string {
  return `${id}-${runtime}`;
}
