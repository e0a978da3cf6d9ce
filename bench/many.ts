// Many containers alive at once: what it takes to list them, and to ask what each of them uses.

import type { Case } from "./cases.ts";
import { living, withRoot } from "./living.ts";
import { timedMs } from "./measure.ts";
import type { Runtime } from "./peers.ts";

const count = 200;

/** All of `count` containers of each runtime. */
export function many(folder: string, runtimes: readonly Runtime[]): Case {
  const { begin, end, about } = living(folder, { runtimes, count });
  const list = (runtime: Runtime) => timedMs([...withRoot(runtime, folder), "list"]);
  const stats = (runtime: Runtime) => timedMs(about(runtime, "events", "--stats"));
  const all = (runtime: Runtime) => {
    let sumMs = list(runtime);
    for (let turn = 0; turn < count; turn++) sumMs += stats(runtime);
    return sumMs;
  };
  // crun has no such command.
  const suits = ({ name }: Runtime) => !name.startsWith("crun");
  return {
    title: `list of ${count}`,
    budget: 2,
    sample: list,
    also: [
      { title: "events --stats", budget: 2, sample: stats, suits },
      { title: `list and events of ${count}`, budget: 2, sample: all, suits, rounds: 3 },
    ],
    begin,
    end,
  };
}
