import { test } from "uvu";
import * as assert from "uvu/assert";
import { durationMs } from "../../../runtime/cli/duration.ts";

test("durations are read as Go writes them", () => {
  for (const [text, milliseconds] of [
    ["5s", 5000],
    ["0.5s", 500],
    ["100ms", 100],
    ["1m30s", 90_000],
    ["1h0m0s", 3_600_000],
    ["1500us", 1.5],
    ["-2s", -2000],
    ["0", 0],
    ["0s", 0],
  ] as const) {
    assert.is(durationMs(text), milliseconds, text);
  }
  for (const text of ["", "5", "s", "5 s", "5sec", "1d", "s5"]) {
    assert.is(durationMs(text), undefined, text);
  }
});

test.run();
