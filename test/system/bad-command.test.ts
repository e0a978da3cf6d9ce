// Command lines that cannot be done: unknown, ill-formed, or not now.

import * as assert from "uvu/assert";
import { bundle } from "../support/bundle.ts";
import { withContainer } from "../support/container.ts";
import { refusesCommand } from "../support/refusal.ts";
import { freshName } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

const badIds = [
  "",
  ".",
  "..",
  "a/b",
  "../../etc",
  "/",
  "a\nb",
  "a b",
  "é",
  "a:b",
  "x".repeat(4096),
];

test("ids that are no file names, or worse, are refused by every command", async () => {
  const directory = bundle();
  for (const id of badIds) {
    await refusesCommand(["create", "--bundle", directory, id], /./);
    for (const command of [
      ["run", "--bundle", directory],
      ["start"],
      ["state"],
      ["delete"],
      ["kill"],
    ]) {
      await refusesCommand([...command, id], /./);
    }
    if (foreignRuntime) continue;
    await refusesCommand(["delete", "--force", id], /./);
  }
  shows("runtime.create.bad-id");
});

test("an id that begins with a dash is no flag after --", async () => {
  const { code } = await runt(["state", "--", "-x"]);
  assert.is(code, 1);
});

test("an id with every allowed character works", async () => {
  const id = `${freshName()}_A+b.C-9`;
  const { code, stderr } = await runt(["run", "--bundle", bundle(), id]);
  assert.is(code, 0, stderr);
});

test("state, start, kill and delete of an unknown id say that it does not exist", async () => {
  for (const command of [["state"], ["start"], ["kill"], ["delete"]]) {
    await refusesCommand([...command, freshName()], /does not exist/);
  }
  shows("runtime.query-state.unknown");
});

test("an unknown signal is refused by its name", async () => {
  await withContainer({ process: { args: ["/bin/sleep", "100"] } }, async ({ id, does, state }) => {
    await does("start");
    for (const signal of ["NOSUCH", "999", "-1", "1.5", "0x9"]) {
      const { code, stderr } = await runt(["kill", id, signal]);
      if (foreignRuntime) continue;
      assert.is(code, 1, signal);
      assert.ok(stderr.includes(signal), stderr);
    }
    assert.is((await state()).status, "running");
  });
});

test("usage errors are exit code 1, on standard error", async () => {
  for (const command of [
    ["nosuchcommand"],
    ["create"],
    ["create", "a", "b"],
    ["state", "--nosuchflag", "x"],
    ["create", "--bundle"],
    ["create", "--preserve-fds", "many", "x"],
    ["--log-format", "sideways", "state", "x"],
  ]) {
    const { code, stderr } = await runt(command);
    if (foreignRuntime) continue;
    assert.is(code, 1, command.join(" "));
    assert.ok(stderr.length > 0 && stderr.length < 10_000);
  }
});

test("a root that is a file, or below one, is refused", async () => {
  await refusesCommand(["create", "--bundle", bundle(), freshName()], /directory|exist/i, {
    root: "/etc/hostname",
  });
  await refusesCommand(["create", "--bundle", bundle(), freshName()], /directory|exist/i, {
    root: "/etc/hostname/below",
  });
});

test("errors go to the log file as JSON lines too, and are appended", async () => {
  const directory = bundle({ process: { args: ["/no/such"] } });
  const log = `${directory}/log.json`;
  const flags = ["--log", log, "--log-format", "json"];
  for (const times of [1, 2]) {
    const { code, stderr } = await runt([...flags, "create", "--bundle", directory, freshName()]);
    assert.is(code, 1);
    assert.match(stderr, /\/no\/such/);
    const lines = (await Bun.file(log).text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const errors = lines.filter(({ level }) => level === "error");
    assert.is(errors.length, times);
    assert.match(errors.at(-1)?.msg, /\/no\/such.*no such file or directory/i);
    assert.ok(Number.isFinite(Date.parse(errors.at(-1)?.time)));
  }
});

runTests();
