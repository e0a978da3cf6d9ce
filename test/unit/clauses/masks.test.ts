import { test } from "uvu";
import * as assert from "uvu/assert";
import { masks } from "../../../runtime/clauses/masks.ts";
import { configOf, lines, reasons } from "../../support/clause.ts";

test("paths are made read-only before others are masked, each once", () => {
  const maskedPaths = ["/proc/kcore", "/proc/sys/x", "/proc/kcore"];
  const { steps } = masks(configOf({ linux: { maskedPaths, readonlyPaths: ["/proc/sys"] } }));
  assert.equal(lines(steps), [
    "init readonly /proc/sys",
    "init mask /proc/kcore",
    "init mask /proc/sys/x",
  ]);
  assert.equal(reasons(steps), [
    "/linux/readonlyPaths/0",
    "/linux/maskedPaths/0",
    "/linux/maskedPaths/1",
  ]);
});

test("without the fields nothing is covered", () => {
  assert.equal(masks(configOf({})).steps, []);
});

test.run();
