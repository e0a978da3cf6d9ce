import { test } from "uvu";
import * as assert from "uvu/assert";
import { byteCount, wholeNumber } from "../../../runtime/cli/amount.ts";

test("bytes have units of 1024, in any case, and may have a fraction", () => {
  for (const [text, bytes] of [
    ["-1", -1],
    ["0", 0],
    ["1000", 1000],
    ["1000b", 1000],
    ["2k", 2048],
    ["2K", 2048],
    ["3kb", 3072],
    ["3KiB", 3072],
    ["1.5g", 1_610_612_736],
    ["1 m", 1_048_576],
    ["9223372036854771712", 9_223_372_036_854_771_712n],
    ["9007199254740993", 9_007_199_254_740_993n],
  ] as const) {
    assert.is(byteCount(text), bytes, text);
  }
  for (const text of ["", "-2", "k", "1x", "1bb", "1,5", "0x10", "9223372036854775808", "9p9"]) {
    assert.is(byteCount(text), undefined, text);
  }
});

test("whole numbers may be negative", () => {
  assert.is(wholeNumber("-1"), -1);
  assert.is(wholeNumber("+5"), 5);
  assert.is(wholeNumber("18446744073709551615"), undefined);
  assert.is(wholeNumber("9007199254740993"), 9_007_199_254_740_993n);
  for (const text of ["", "1.5", "1k", "ten"]) assert.is(wholeNumber(text), undefined, text);
});

test.run();
