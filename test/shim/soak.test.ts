// A shim that has done much holds no more than one that has done little. SOAK=1 for 10,000 execs and
// 1,000 containers.

import { readdirSync, readFileSync } from "node:fs";
import { script } from "../support/bundle.ts";
import { type Shim, startShim, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { startExec } from "../support/shim-exec.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const isSoak = process.env["SOAK"] === "1";
const execs = isSoak ? 10_000 : 100;
const containers = isSoak ? 1_000 : 5;
/** KiB of its own, in a pause: what a shim takes after some execs, and more of them add. */
const HELD_MAX = isSoak ? 9_216 : 7_168;
const GROWTH_MAX = 1_024;

const events = receiveEvents();

test("a shim of many execs and containers keeps no descriptor, no process and no memory of them", async () => {
  await withShim({ patch: { process: script("while :; do sleep 1; done") } }, async (shim) => {
    await shim.create();
    await shim.tasks.start({ id: shim.id });
    // What is loaded once is loaded.
    await execute(shim, execs / 2);
    for (let index = 0; index < 2; index++) await live(shim);
    const before = await waitUntil("a shim that has tidied up", () => {
      const now = held(shim);
      return now.kib < HELD_MAX && now;
    });
    await execute(shim, execs / 2);
    for (let index = 0; index < containers; index++) await live(shim);
    // Connections that were ended are closed, and the shim tidies up, a moment later.
    await waitUntil(`no more than ${JSON.stringify(before)}`, () => {
      const { descriptors, children, kib } = held(shim);
      const isFlat = kib < before.kib + GROWTH_MAX;
      return isFlat && descriptors <= before.descriptors && children <= before.children;
    });
  });
});

async function execute({ id, tasks }: Shim, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const place = { id, execId: `e${index}` };
    await startExec(tasks, place, ["true"]);
    await tasks.wait(place);
    await tasks.delete(place);
  }
}

/** The whole life of a container of the shim's pod. */
async function live({ id }: Shim): Promise<void> {
  const other = await startShim({
    patch: { annotations: { "io.kubernetes.cri.sandbox-id": id } },
  });
  await other.create();
  await other.tasks.start({ id: other.id });
  await other.end();
}

function held({ pid }: Shim): { descriptors: number; children: number; kib: number } {
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = Number(/^Anonymous:\s+(\d+)/m.exec(memory)?.[1]);
  return { descriptors, children: children.length, kib };
}

runTests({ atEnd: async () => events.stop() });
