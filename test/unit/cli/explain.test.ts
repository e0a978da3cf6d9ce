// The text of `runt explain`.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { explainedText } from "../../../runtime/cli/explain.ts";
import { fieldNamed } from "../../../runtime/config/field.ts";
import { explain, statusOf } from "../../../runtime/lifecycle/explain.ts";

test("a field is told with its type, unit, bounds, place in the specification, steps and kernel", () => {
  assert.is(
    explainedText(explain("process.oomScoreAdj")),
    `process.oomScoreAdj
  What is written to oom_score_adj. Left alone if absent.

type      integer
unit      points, -1000 to 1000
allowed   an integer from -1000 to 1000
spec      config.md#linux-process
          https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#linux-process
runt      Writes it to /proc/PID/oom_score_adj of init. Lowering it takes
          CAP_SYS_RESOURCE; for callers other than root what they may not set is
          a warning.
steps     oom_score_adj.set
kernel    any that runt runs on (5.14)`,
  );
});

test("a field with others in it lists them, and which of them are required", () => {
  const text = explainedText(explain("hooks.prestart"));
  assert.match(text, /^type {6}list of objects$/m);
  assert.match(text, /^ {2}path \(required\) {2}The program\.$/m);
  assert.match(text, /^ {2}args +Its arguments/m);
});

test("no line is longer than 80 columns, but for addresses", () => {
  const visit = (name: string): void => {
    for (const line of explainedText(explain(name)).split("\n")) {
      assert.ok(line.length <= 80 || line.includes("https://"), line);
    }
    for (const field of fieldNamed(name).fields) visit(field.name);
  };
  visit("");
});

test("what becomes of a field is told as the clauses tell it", () => {
  assert.is(statusOf("/process/commandLine"), "ignored");
  assert.is(statusOf("/windows/layerFolders"), "ignored");
  assert.is(statusOf("/linux/resources/memory/limit"), "acted on");
});

test.run();
