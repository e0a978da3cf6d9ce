// Many commands at once. Whatever the order, each ends in one of the listed ways.

import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { stateOf } from "../support/container.ts";
import { removeEmptyCgroups } from "../support/leaks.ts";
import { freshName, room } from "../support/room.ts";
import { LATE, type Outcome, runt } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const sleeper: Patch = { process: { args: ["/bin/sleep", "100"] } };
const rounds = process.env["SOAK"] === "1" ? 500 : 10;

/** One of the ways in which a command may end: done, or refused for a reason that is no fault. */
function endsAsListed(outcome: Outcome, refusals: RegExp, what: string): void {
  assert.is.not(outcome.code, LATE, `${what}: ${outcome.stderr}`);
  if (outcome.code === 0) return;
  assert.is(outcome.code, 1, `${what}: ${outcome.stderr}`);
  assert.match(outcome.stderr, refusals, `${what}: ${outcome.stderr}`);
}

async function deleteForced(id: string): Promise<void> {
  const { code, stderr } = await runt(["delete", "--force", id]);
  assert.is(code, 0, stderr);
  assert.is(await stateOf(id), undefined);
}

function randomDelay(limitMs: number): Promise<void> {
  return Bun.sleep(Math.random() * limitMs);
}

test("fifty runs at once all succeed", async () => {
  const directory = bundle({ process: { args: ["/bin/echo", "ran"] } });
  const runs = Array.from({ length: 50 }, () =>
    runt(["run", "--bundle", directory, freshName()], { limitMs: 60_000 }),
  );
  for (const { code, stdout, stderr } of await Promise.all(runs)) {
    assert.equal({ code, stdout, stderr }, { code: 0, stdout: "ran\n", stderr: "" });
  }
});

test("of twenty creates of one id one succeeds, and the others say that it is taken", async () => {
  const id = freshName();
  const directory = bundle(sleeper);
  const creates = Array.from({ length: 20 }, () => runt(["create", "--bundle", directory, id]));
  const outcomes = await Promise.all(creates);
  assert.is(outcomes.filter(({ code }) => code === 0).length, 1);
  for (const outcome of outcomes) endsAsListed(outcome, /already exists/, "create");
  assert.is((await stateOf(id))?.status, "created");
  await deleteForced(id);
});

test("of ten starts of one container one succeeds", async () => {
  if (foreignRuntime) return;
  const id = freshName();
  await runt(["create", "--bundle", bundle(sleeper), id]);
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => runt(["start", id])));
  assert.is(outcomes.filter(({ code }) => code === 0).length, 1);
  for (const outcome of outcomes) endsAsListed(outcome, /already running/, "start");
  assert.is((await stateOf(id))?.status, "running");
  await deleteForced(id);
});

test("containers that come and go below one cgroup do not take it from each other", async () => {
  const directories = Array.from({ length: 30 }, () =>
    bundle({ linux: { cgroupsPath: `/${room.prefix}-shared/deep/${freshName()}` } }),
  );
  const workers = [0, 1, 2, 3, 4, 5].map(async (worker) => {
    for (const directory of directories.filter((_, index) => index % 6 === worker)) {
      const { code, stderr } = await runt(["run", "--bundle", directory, freshName()]);
      assert.is(code, 0, stderr);
    }
  });
  await Promise.all(workers);
  removeEmptyCgroups(`${room.prefix}-shared`);
});

test("a kill during create finds a container or none, and never half of one", async () => {
  for (let round = 0; round < rounds; round++) {
    const id = freshName();
    const creating = runt(["create", "--bundle", bundle(sleeper), id]);
    await randomDelay(40);
    const killed = await runt(["kill", id, "KILL"]);
    const created = await creating;
    endsAsListed(killed, /does not exist|not running/, "kill");
    endsAsListed(created, /killed|signal 9|ended|SIGKILL/i, "create");
    const expected = created.code === 1 ? undefined : killed.code === 0 ? "stopped" : "created";
    // A killed process takes its time to end.
    await waitUntil(`status ${expected}`, async () => (await stateOf(id))?.status === expected);
    await deleteForced(id);
  }
});

test("a forced delete during create leaves nothing, or a container that was made after it", async () => {
  for (let round = 0; round < rounds; round++) {
    const id = freshName();
    const creating = runt(["create", "--bundle", bundle(sleeper), id]);
    await randomDelay(40);
    const deleted = await runt(["delete", "--force", id]);
    assert.is(deleted.code, 0, deleted.stderr);
    // Done, failed, or ended with what it was making.
    const { code, stderr } = await creating;
    assert.ok([0, 1, 137].includes(code), `${code}: ${stderr}`);
    await deleteForced(id);
  }
});

test("a delete during start is done or refused, and a start during delete too", async () => {
  for (let round = 0; round < rounds; round++) {
    const id = freshName();
    await runt(["create", "--bundle", bundle(sleeper), id]);
    const flags = round % 2 === 0 ? ["--force"] : [];
    const [started, deleted] = await Promise.all([
      randomDelay(15).then(() => runt(["start", id])),
      randomDelay(15).then(() => runt(["delete", ...flags, id])),
    ]);
    endsAsListed(started, /does not exist|stopped|ended|being|already running/, "start");
    endsAsListed(deleted, /not stopped/, "delete");
    await deleteForced(id);
  }
});

test("two forced deletes at once both succeed", async () => {
  for (let round = 0; round < rounds; round++) {
    const id = freshName();
    await runt(["create", "--bundle", bundle(sleeper), id]);
    const outcomes = await Promise.all([1, 2].map(() => runt(["delete", "--force", id])));
    for (const outcome of outcomes) {
      if (!foreignRuntime) assert.is(outcome.code, 0, outcome.stderr);
    }
    assert.is(await stateOf(id), undefined);
  }
});

test("state and list answer at every moment of a container's life", async () => {
  const id = freshName();
  const life = (async () => {
    for (let round = 0; round < 4; round++) {
      for (const command of [
        ["create", "--bundle", bundle(sleeper), id],
        ["start", id],
        ["kill", id, "KILL"],
        ["delete", "--force", id],
      ]) {
        const { code, stderr } = await runt(command);
        assert.is(code, 0, stderr);
      }
    }
    return true;
  })();
  let over = false;
  void life.finally(() => {
    over = true;
  });
  const seen = new Set<string>();
  while (!over) {
    const [state, list] = await Promise.all([
      runt(["state", id]),
      runt(["list", "--format", "json"]),
    ]);
    endsAsListed(state, /does not exist/, "state");
    if (state.code === 0) seen.add(JSON.parse(state.stdout).status);
    if (!foreignRuntime) {
      assert.is(list.code, 0, list.stderr);
      JSON.parse(list.stdout);
    }
  }
  await life;
  for (const status of seen) assert.match(status, /^(creating|created|running|stopped)$/);
  assert.ok(seen.size >= 2, [...seen].join());
});

test("a container that ends while it is killed, deleted and asked for is gone in the end", async () => {
  const quick: Patch = { process: { args: ["/bin/true"] } };
  for (let round = 0; round < rounds; round++) {
    const id = freshName();
    await runt(["create", "--bundle", bundle(quick), id]);
    const [, killed, state, deleted] = await Promise.all([
      runt(["start", id]),
      randomDelay(30).then(() => runt(["kill", id, "TERM"])),
      randomDelay(30).then(() => runt(["state", id])),
      randomDelay(30).then(() => runt(["delete", id])),
    ]);
    endsAsListed(killed, /does not exist|not running/, "kill");
    endsAsListed(state, /does not exist/, "state");
    endsAsListed(deleted, /not stopped/, "delete");
    await deleteForced(id);
  }
});

runTests();
