// exec while its container is frozen, ends or is deleted, and very often: each ends in one of the
// listed ways, and leaves nothing behind. SOAK=1 for the full numbers.
// Runs alone: it counts the terminals of the machine.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { stateOf, withContainer } from "../support/container.ts";
import { patience } from "../support/patience.ts";
import { freshName, room } from "../support/room.ts";
import { LATE, type Outcome, runt, runtime } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const SOAK = process.env["SOAK"] === "1";
const ROUNDS = SOAK ? 1000 : 8;
const sleeper: Patch = { process: { args: ["/bin/sleep", "1000"] } };

const STOPPED = [
  "cannot exec in a stopped container",
  "container \\S+ does not exist",
  "the container has stopped",
  // The pid namespace ended with init, before the clone or while it was joined.
  "clone3: cannot allocate memory",
  "setns\\(.*: no such process",
  "statx\\(.*: no such process",
  // Whoever was in there is killed with it, and so is who was about to be.
  "the process ended \\(signal 9\\)",
];
/** Its cgroups or its folder went while they were looked at. */
const DELETED = [
  ...STOPPED,
  "(cgroup.open|clone|cgroup.enter).*: (no such file or directory|no such device)",
  "openat.*config.json.*: no such file or directory",
];
const PAUSED = ["cannot exec in a paused container"];

/** It has run, was killed with its container, or is refused for a listed reason. */
function endsAsListed({ code, stdout, stderr }: Outcome, refusals: readonly string[]): void {
  const told = `${code}: ${stdout}${stderr}`;
  assert.is.not(code, LATE, told);
  if (code === 0) assert.is(stdout, "ran\n", told);
  else if (code === 255) assert.match(stderr, new RegExp(refusals.join("|"), "i"), told);
  else assert.is(code, 137, told);
}

/** Rounds of an exec and something else that begins somewhat later or earlier. */
async function race(
  round: (exec: (id: string) => Promise<Outcome>, delay: () => Promise<void>) => Promise<void>,
): Promise<void> {
  for (let count = 0; count < ROUNDS; count++) {
    const exec = (id: string): Promise<Outcome> =>
      runt(["exec", id, "echo", "ran"], { limitMs: 60_000 });
    await round(exec, () => Bun.sleep(Math.random() * 60 * patience));
  }
}

async function started(): Promise<string> {
  const id = freshName();
  const { code, stderr } = await runt(["run", "--detach", "--bundle", bundle(sleeper), id]);
  assert.is(code, 0, stderr);
  return id;
}

test("during a freeze it runs before, waits for the thaw, or is refused", async () => {
  await withContainer(sleeper, async ({ id, does }) => {
    await does("start");
    await race(async (exec, delay) => {
      const running = exec(id);
      await delay();
      await does("pause");
      await Bun.sleep(5);
      await does("resume");
      endsAsListed(await running, PAUSED);
    });
  });
});

test("during the end of init it runs, is killed, or is refused", async () => {
  await race(async (exec, delay) => {
    const id = await started();
    const running = exec(id);
    await delay();
    await runt(["kill", id, "KILL"]);
    endsAsListed(await running, STOPPED);
    assert.is((await runt(["delete", "--force", id])).code, 0);
  });
});

test("during a delete it runs, is killed, or is refused", async () => {
  await race(async (exec, delay) => {
    const id = await started();
    const running = exec(id);
    await delay();
    const { code, stderr } = await runt(["delete", "--force", id]);
    assert.is(code, 0, stderr);
    endsAsListed(await running, DELETED);
    assert.is(await stateOf(id), undefined);
  });
});

/** What an init and its host's kernel keep for processes that come and go. */
function kept(pid: number): { processes: number; descriptors: number; ptys: string } {
  return {
    processes: readdirSync(`/proc/${pid}/task`).length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    ptys: readFileSync("/proc/sys/kernel/pty/nr", "utf8"),
  };
}

/** Memory that is charged to the container's cgroup, in bytes. */
function memoryOf(id: string): number {
  const own = readFileSync("/proc/self/cgroup", "utf8");
  const path = /^\d+:memory:(.*)$/m.exec(own)?.[1] ?? "";
  const file = join("/sys/fs/cgroup/memory", path, id, "memory.usage_in_bytes");
  return Number(readFileSync(file, "utf8"));
}

test("many leave no process, descriptor, terminal or memory behind", async () => {
  const [plain, withTerminal] = SOAK ? [20_000, 500] : [30, 8];
  await withContainer(sleeper, async ({ id, does, state }) => {
    await does("start");
    const { pid } = await state();
    const repeat = (times: number, flags: string): void => {
      const command = `${runtime} --root ${room.root} exec ${flags} ${id} true || exit 9`;
      const text = `i=0; while [ $i -lt ${times} ]; do ${command}; i=$((i+1)); done`;
      const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", text], { stdin: "ignore" });
      assert.is(exitCode, 0, stderr.toString().slice(0, 500));
    };
    repeat(10, "");
    const [before, memory] = [kept(pid), memoryOf(id)];
    repeat(plain, "");
    repeat(withTerminal, "-t");
    assert.equal(kept(pid), before);
    assert.equal(JSON.parse((await runt(["ps", "-f", "json", id])).stdout), [pid]);
    // The kernel gives back what it has charged in batches of pages, one for each CPU.
    assert.ok(memoryOf(id) - memory < 4 << 20, `${memory} grew to ${memoryOf(id)}`);
  });
});

runTests(SOAK ? { limitMs: 3 * 3_600_000 } : {});
