// `run`: the container's exit code, signals, streams, --detach and --keep.

import * as assert from "uvu/assert";
import { bundle, script } from "../support/bundle.ts";
import { run, stateOf, withScript } from "../support/container.ts";
import { freshName } from "../support/room.ts";
import { runt, startRunt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

test("run ends with the program's exit code", async () => {
  for (const code of [0, 1, 7, 125, 255]) {
    assert.is((await run(withScript(`exit ${code}`))).code, code);
  }
});

test("run ends with 128 and the signal when the program is killed", async () => {
  for (const [name, number] of [
    ["KILL", 9],
    ["TERM", 15],
    ["USR1", 10],
  ] as const) {
    const { code, stderr } = await run(withScript(`kill -${name} $$; sleep 9`, sharedPids));
    assert.is(code, 128 + number, stderr);
  }
});

/** Inside a pid namespace of its own, init is not killed by its own signals. */
const sharedPids = { hostname: undefined, linux: { namespaces: [{ type: "mount" }] } };

test("standard input, output and error are the container's own", async () => {
  const { code, stdout, stderr } = await run(withScript("cat; echo err >&2"), { stdin: "in\n" });
  assert.equal({ code, stdout, stderr }, { code: 0, stdout: "in\n", stderr: "err\n" });
});

test("a megabyte goes through standard input and output unchanged", async () => {
  const text = "0123456789abcde\n".repeat(65_536);
  const { stdout } = await run(withScript("cat"), { stdin: text });
  assert.ok(stdout === text);
});

test("the container is gone after run", async () => {
  const id = freshName();
  assert.is((await runt(["run", "--bundle", bundle({}), id])).code, 0);
  assert.is(await stateOf(id), undefined);
});

test("run forwards signals to the program", async () => {
  for (const name of ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT", "ALRM", "CONT", "PIPE"]) {
    const text = `trap 'echo got ${name}; exit 3' ${name}; echo ready; while true; do sleep 0.01; done`;
    const running = startRunt(["run", "--bundle", bundle(withScript(text)), freshName()]);
    await waitUntil("trap", () => running.stdout() === "ready\n");
    process.kill(running.pid, `SIG${name}`);
    const { code, stdout } = await running.ended;
    assert.is(stdout, `ready\ngot ${name}\n`);
    assert.is(code, 3, name);
  }
});

test("children that outlive the program die with the container", async () => {
  const startedMs = performance.now();
  const { code } = await run(withScript("sleep 50 & exit 4"));
  assert.is(code, 4);
  assert.ok(performance.now() - startedMs < 10_000);
});

test("in a shared pid namespace, orphans are gone too when run returns", async () => {
  const marker = `${1000 + Math.floor(Math.random() * 100_000)}`;
  const text = `setsid sleep ${marker} & (setsid sleep ${marker} &) ; exit 4`;
  const { code } = await run(withScript(text, sharedPids));
  assert.is(code, 4);
  const listed = Bun.spawnSync(["ps", "-eo", "stat,args"]).stdout.toString().split("\n");
  assert.equal(
    listed.filter((line) => line.includes(`sleep ${marker}`) && !/^Z/.test(line)),
    [],
  );
});

test("run --detach returns at once and leaves the container running", async () => {
  const id = freshName();
  const directory = bundle({ process: script("sleep 100") });
  const { code, stdout, stderr } = await runt(["run", "--detach", "--bundle", directory, id]);
  assert.equal({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  assert.is((await stateOf(id))?.status, "running");
  assert.is((await runt(["delete", "--force", id])).code, 0);
});

test("run --keep leaves a stopped container", async () => {
  const id = freshName();
  const { code } = await runt(["run", "--keep", "--bundle", bundle(withScript("exit 5")), id]);
  assert.is(code, 5);
  assert.is((await stateOf(id))?.status, "stopped");
  assert.is((await runt(["delete", id])).code, 0);
});

runTests();
