// ps: our own table, JSON, and what the host's ps prints.

import { existsSync } from "node:fs";
import * as assert from "uvu/assert";
import { withContainer, withScript } from "../support/container.ts";
import { runt } from "../support/runt.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const hasPs = existsSync("/bin/ps") || existsSync("/usr/bin/ps");
const two = withScript("sleep 1000 & echo up; wait");

async function printed(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runt(words);
  assert.is(code, 0, stderr);
  return stdout;
}

test("ps shows every process of a container and no other", async () => {
  await withContainer(two, async ({ id, create, does, state }) => {
    assert.equal(JSON.parse(await printed(["ps", "--format", "json", id])), [(await state()).pid]);
    await does("start");
    await waitUntil("both", () => create.stdout().includes("up"));
    const { pid } = await state();
    const lines = await waitUntil("both", async () => {
      const now = (await printed(["ps", id])).trimEnd().split("\n");
      return now.length === 3 && /sleep 1000/.test(now.join()) && now;
    });
    assert.is(lines[0], "UID          PID    PPID  C STIME TTY          TIME CMD");
    assert.match(
      lines[1] ?? "",
      /^root +\d+ +\d+ +\d+ \d\d:\d\d \? +00:00:0\d \/bin\/sh -c sleep 1000 /,
    );
    assert.match(lines.join("\n"), new RegExp(`^root +\\d+ +${pid} +\\d+ .* sleep 1000$`, "m"));
    const pids = JSON.parse(await printed(["ps", "-f", "json", id]));
    assert.equal(
      pids,
      lines.slice(1).map((line) => Number(line.split(/\s+/)[1])),
    );
  });
});

test("a container that has stopped has no processes, and one that is not there is an error", async () => {
  await withContainer({}, async ({ id, does, becomes }) => {
    await does("start");
    await becomes("stopped");
    assert.is(await printed(["ps", "--format=json", id]), "[]\n");
    assert.is((await printed(["ps", id])).trimEnd().split("\n").length, 1);
  });
  const { code, stderr } = await runt(["ps", "nobody"]);
  assert.is(code, 1);
  assert.match(stderr, "does not exist");
});

const testPs = hasPs ? test : (name: string) => skip(name, "the host has no ps");

testPs("with arguments ps is the host's, and its lines are those of the container", async () => {
  await withContainer(two, async ({ id, create, does, state }) => {
    await does("start");
    await waitUntil("both", () => create.stdout().includes("up"));
    const { pid } = await state();
    const lines = (await printed(["ps", id, "-e", "-o", "args,pid"])).trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^COMMAND +PID$/);
    assert.ok(lines.length > 1 && lines.length <= 3, lines.join("\n"));
    assert.match(lines.join("\n"), new RegExp(`^/bin/sh -c .* ${pid}$`, "m"));
    assert.match(await printed(["ps", id, "--", "aux"]), new RegExp(`^root +${pid} `, "m"));
    for (const [args, text] of [
      [["-e", "-o", "args"], "no column PID"],
      [["--no-such-option"], "ps: exit status 1"],
    ] as const) {
      const { code, stderr } = await runt(["ps", id, ...args]);
      assert.is(code, 1);
      assert.match(stderr, text);
    }
  });
});

runTests();
