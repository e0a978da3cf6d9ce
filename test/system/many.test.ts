// Many containers: one after the other, of which the host must keep nothing, and many at a time.
// SOAK=1 makes 2,000 of the first and 200 of the second.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { succeeded } from "../support/container.ts";
import { cgroups } from "../support/leaks.ts";
import { patience } from "../support/patience.ts";
import { freshName, room } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const isSoak = process.env["SOAK"] === "1";
const cycles = isSoak ? 2000 : 30;
const atOnce = isSoak ? 200 : 50;

const limited: Patch = {
  linux: { resources: { memory: { limit: 64 << 20 }, cpu: { shares: 512 }, pids: { limit: 20 } } },
};

/** What of this room is on the host. */
function ofRoom(): Record<string, readonly string[]> {
  return {
    cgroups: cgroups(room),
    mounts: about("/proc/self/mountinfo"),
    containers: existsSync(room.root) ? readdirSync(room.root) : [],
  };
}

/** What of everyone is: others make and remove some at the same time. */
function ofHost(): Record<string, number> {
  const lines = (path: string): number => read(path).trimEnd().split("\n").length;
  return {
    cgroups: Number(/^pids\s+\d+\s+(\d+)/m.exec(read("/proc/cgroups"))?.[1]),
    mounts: lines("/proc/self/mountinfo"),
    descriptors: Number(read("/proc/sys/fs/file-nr").split(/\s/)[0]),
    keyrings: lines("/proc/keys"),
    processes: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
    shared: lines("/proc/sysvipc/shm"),
  };
}

function about(path: string): string[] {
  const names = [room.prefix, room.directory];
  return read(path)
    .split("\n")
    .filter((line) => names.some((name) => line.includes(name)));
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}

async function does(...words: string[]): Promise<string> {
  const outcome = await runt(words, { limitMs: 60_000 });
  succeeded(words, outcome);
  return outcome.stdout;
}

/** The same for each, some at a time. */
async function forEach(ids: readonly string[], act: (id: string) => Promise<unknown>) {
  const waiting = [...ids];
  const worker = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) await act(id);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

test("of containers that come and go the host keeps nothing", async () => {
  const directory = bundle({ ...limited, process: { args: ["/bin/sleep", "100"] } });
  // The first may leave the shared root filesystem and the like.
  await does("create", "--bundle", directory, `${room.prefix}-first`);
  await does("delete", "--force", `${room.prefix}-first`);
  const [room1, host1] = [ofRoom(), ofHost()];
  const ids = Array.from({ length: cycles }, () => freshName());
  await forEach(ids, async (id) => {
    await does("create", "--bundle", directory, id);
    await does("delete", "--force", id);
  });
  assert.equal(ofRoom(), room1);
  // The kernel collects them in its own time.
  await waitUntil("the end of the keyrings", () => about("/proc/keys").length === 0);
  const grown = Object.entries(ofHost()).filter(
    ([name, count]) => count > (host1[name] ?? 0) + Math.max(cycles / 2, 500),
  );
  assert.equal(grown, []);
});

test("many containers are alive at once, each with its limits, and listed soon", async () => {
  const directory = bundle({ ...limited, process: { args: ["/bin/sleep", "1000"] } });
  const ids = Array.from({ length: atOnce }, () => freshName());
  try {
    await forEach(ids, async (id) => {
      await does("create", "--bundle", directory, id);
      await does("start", id);
    });
    const startMs = performance.now();
    const listed: { id: string; status: string }[] = JSON.parse(
      await does("list", "--format=json"),
    );
    const tookMs = performance.now() - startMs;
    assert.equal(
      listed.map(({ id, status }) => `${id} ${status}`).toSorted(),
      ids.map((id) => `${id} running`).toSorted(),
    );
    assert.ok(tookMs < 2000 * patience, `list took ${tookMs} ms`);
    if (isSoak) console.log(`list of ${atOnce} containers took ${tookMs.toFixed(0)} ms`);
    const stats = JSON.parse(await does("events", "--stats", ids[0] ?? ""));
    assert.is(stats.data.pids.current, 1);
  } finally {
    await forEach(ids, (id) => runt(["delete", "--force", id]));
  }
  assert.equal(readdirSync(room.root), []);
});

runTests();
