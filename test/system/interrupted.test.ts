// Commands that are killed with SIGKILL at random moments: `delete --force` always works after
// that, and nothing is left. SOAK=1 tries twenty times as many moments.

import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { stateOf } from "../support/container.ts";
import { hookFolder } from "../support/hook.ts";
import { cgroups, processes } from "../support/leaks.ts";
import { freshName, room } from "../support/room.ts";
import { runt, startRunt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const isSoak = process.env["SOAK"] === "1";
const rounds = isSoak ? 2000 : 100;
const sleeper: Patch = { process: { args: ["/bin/sleep", "100"] } };

/** How long a command takes when nobody interrupts it, with some time to spare. */
async function durationMs(command: (id: string) => string[], id: string): Promise<number> {
  const startedMs = performance.now();
  const { code, stderr } = await runt(command(id));
  assert.is(code, 0, stderr);
  return 1.3 * (performance.now() - startedMs);
}

/** Tries so many moments; on a slow machine, as many as fit in a time. */
async function moments(
  { count, limitMs }: { count: number; limitMs: number },
  act: (round: number) => Promise<void>,
): Promise<void> {
  const endMs = performance.now() + (isSoak ? Number.POSITIVE_INFINITY : limitMs);
  for (let round = 0; round < count && (round < 10 || performance.now() < endMs); round++) {
    await act(round);
  }
}

async function interrupt(command: readonly string[], limitMs: number): Promise<void> {
  const running = startRunt(command);
  await Bun.sleep(Math.random() * limitMs);
  running.kill("SIGKILL");
  await running.ended;
}

/** Deletes by force and looks that nothing of the container is left. */
async function deletes(id: string, round: number): Promise<void> {
  const { code, stderr } = await runt(["delete", "--force", id]);
  assert.is(code, 0, `round ${round}: ${stderr}`);
  assert.is(await stateOf(id), undefined);
  await waitUntil(`round ${round}: end of its processes`, () => processes(room).length === 0);
  const left = cgroups(room).filter((directory) => directory.includes(id));
  assert.equal(left, [], `round ${round}`);
}

test("create killed at any moment leaves nothing that delete --force does not remove", async () => {
  const directory = bundle(sleeper);
  const create = (id: string): string[] => ["create", "--bundle", directory, id];
  const first = freshName();
  const limitMs = await durationMs(create, first);
  await deletes(first, -1);
  await moments({ count: rounds, limitMs: 20_000 }, async (round) => {
    const id = freshName();
    await interrupt(create(id), limitMs);
    await deletes(id, round);
  });
});

test("create killed while a hook runs takes the hook with it", async () => {
  const folder = hookFolder();
  const path = folder.add("slow", "sleep 0.05");
  const hooks = { createRuntime: [{ path }], createContainer: [{ path }] };
  const directory = bundle({ ...sleeper, hooks });
  const create = (id: string): string[] => ["create", "--bundle", directory, id];
  await moments({ count: rounds / 5, limitMs: 7_000 }, async (round) => {
    const id = freshName();
    await interrupt(create(id), 180);
    await deletes(id, round);
  });
});

test("start killed at any moment leaves a container in a known status", async () => {
  const directory = bundle(sleeper);
  await moments({ count: rounds / 4, limitMs: 7_000 }, async (round) => {
    const id = freshName();
    assert.is((await runt(["create", "--bundle", directory, id])).code, 0);
    await interrupt(["start", id], 25);
    assert.match((await stateOf(id))?.status ?? "", /^(created|running|stopped)$/);
    await deletes(id, round);
  });
});

test("run killed at any moment leaves nothing that delete --force does not remove", async () => {
  const directory = bundle(sleeper);
  await moments({ count: rounds / 4, limitMs: 7_000 }, async (round) => {
    const id = freshName();
    await interrupt(["run", "--bundle", directory, id], 60);
    await deletes(id, round);
  });
});

test("delete killed at any moment can be repeated", async () => {
  const directory = bundle(sleeper);
  await moments({ count: rounds / 4, limitMs: 7_000 }, async (round) => {
    const id = freshName();
    assert.is((await runt(["create", "--bundle", directory, id])).code, 0);
    await interrupt(["delete", "--force", id], 30);
    await deletes(id, round);
  });
});

runTests();
