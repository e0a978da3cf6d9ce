// A second container of a shim, which is not to notice what the first one does.

import * as assert from "uvu/assert";
import { type Patch, script } from "./bundle.ts";
import { patience } from "./patience.ts";
import { type Shim, startShim, withShim } from "./shim-client.ts";
import { startExec } from "./shim-exec.ts";

/** Of a container that only waits. */
export const idle = { process: script("while :; do sleep 1; done") } satisfies Patch;

/** Two containers of one shim: the first as given, the second only waits. */
export async function withNeighbour(
  patch: Patch,
  use: (shim: Shim, neighbour: Shim) => Promise<void>,
): Promise<void> {
  await withShim({ patch }, async (shim) => {
    const annotations = { "io.kubernetes.cri.sandbox-id": shim.id };
    const neighbour = await startShim({ patch: { ...idle, annotations } });
    try {
      assert.is(neighbour.pid, shim.pid);
      await neighbour.create();
      await neighbour.tasks.start({ id: neighbour.id });
      await use(shim, neighbour);
    } finally {
      await neighbour.end();
    }
  });
}

/** Asks for its state, which takes no longer than usual, and executes in it. */
export async function noticesNothing({ tasks, id }: Shim): Promise<void> {
  const startedMs = performance.now();
  for (let count = 0; count < 10; count++) await tasks.state({ id });
  const eachMs = (performance.now() - startedMs) / 10;
  assert.ok(eachMs < 50 * patience, `${eachMs} ms`);
  const place = { id, execId: "e" };
  await startExec(tasks, place, ["true"]);
  assert.is((await tasks.wait(place)).exitStatus, 0);
  await tasks.delete(place);
}
