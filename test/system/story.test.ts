// How an error of a step tells what came before it: to people below the message, to programs beside
// it, since those match the message.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, defaultMounts, type Patch } from "../support/bundle.ts";
import { freshName } from "../support/room.ts";
import { type Outcome, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const noSource: Patch = {
  mounts: [
    ...defaultMounts,
    { destination: "/x", type: "bind", source: "/no/such", options: ["bind"] },
  ],
};
const noHook: Patch = { hooks: { startContainer: [{ path: "/bin/false" }] } };

function run(patch: Patch, ...flags: string[]): Promise<Outcome> {
  return runt([...flags, "run", "--bundle", bundle(patch), freshName()]);
}

const message = /^runt run failed: step \d+ tree.open \(\/mounts\/5\/source\): .*no such file/;

test("below the message of a failed step stand the three before it and itself", async () => {
  const { stderr } = await run(noSource);
  const [line = "", ...story] = stderr.trimEnd().split("\n");
  assert.match(JSON.parse(/msg=(".*")$/.exec(line)?.[1] ?? ""), message);
  const [, index] = /step (\d+) /.exec(line) ?? [];
  assert.is(story.length, 4, stderr);
  for (const before of story.slice(0, 3)) {
    assert.match(before, /^ {2}\d+ {2}(host|init) +\d+\.\d ms {2}[a-z_.-]+ +\S/);
  }
  assert.match(story[3] ?? "", new RegExp(`^ {2}${index} {2}init +failed {2}tree.open +/no/such`));
});

test("a log has them beside the message, in one line, and standard error has the message alone", async () => {
  for (const format of ["json", "text"]) {
    const log = join(bundle(), "log");
    const { stderr } = await run(noSource, "--log", log, "--log-format", format);
    assert.match(stderr.trimEnd(), message);
    assert.not.match(stderr.trimEnd(), "\n");
    const text = readFileSync(log, "utf8").trimEnd();
    assert.not.match(text, "\n");
    if (format === "text") {
      assert.match(text, /msg="runt run failed: step .*" steps="[^"]*; \d+ {2}init [^"]*"$/);
      continue;
    }
    const { level, msg, steps } = JSON.parse(text);
    assert.equal([level, steps.length], ["error", 4]);
    assert.match(msg, message);
    assert.not.match(msg, "mount.filesystem");
  }
});

test("--debug tells all steps up to the failed one, with what they were about", async () => {
  const { stderr } = await run(noSource, "--debug");
  const [, failed] = /msg="runt run failed: step (\d+) /.exec(stderr) ?? [];
  const told = [...stderr.matchAll(/level=debug .* step=(\d+) who=\w+ op=\S+ detail=\S/g)];
  const numbers = told.map(([, step]) => Number(step));
  for (let step = 0; step <= Number(failed); step++) assert.ok(numbers.includes(step), `${step}`);
});

test("a step that fails after the word to go has its story too", async () => {
  const { stderr } = await run(noHook);
  const [line = "", ...story] = stderr.trimEnd().split("\n");
  assert.match(line, /step \d+ hook \(\/hooks\/startContainer\/0\): \/bin\/false: exit status 1"$/);
  assert.is(story.length, 4, stderr);
  assert.match(story[2] ?? "", / start\.await /);
  assert.match(story[3] ?? "", /failed {2}hook +\/bin\/false/);
});

runTests();
