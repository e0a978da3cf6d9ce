import { test } from "uvu";
import * as assert from "uvu/assert";
import { schemataDifferences } from "../../../runtime/ops/schemata.ts";

/** As the kernel prints it. */
const EXISTING = "    L3:0=07ff;1=0000\n    MB:0= 20;1=100\nL3CODE:0=f\n";

const same: string[][] = [
  [],
  ["L3:0=7ff;1=0"],
  ["L3:1=0"],
  ["L3:0=0x7FF"],
  ["MB:0=20;1=100"],
  ["L3:0=1", "MB:1=100", "L3:0=7ff"],
  ["L3CODE: 0 = F "],
];

const different: [wanted: string[], words: string[]][] = [
  [["L3:0=7fe"], ["found L3:0=7ff, wanted 7fe"]],
  [["L3:0=7ff;2=1"], ["found no L3:2, wanted 1"]],
  [
    ["MB:0=10;1=10", "L2:0=f"],
    ["found MB:0=20, wanted 10", "found MB:1=100, wanted 10", "found no L2:0, wanted f"],
  ],
  [["L3:0=7ff", "L3:0=1"], ["found L3:0=7ff, wanted 1"]],
];

test("schemata that ask for what is there already fit, however they are written", () => {
  for (const wanted of same) assert.equal(schemataDifferences(EXISTING, wanted), [], `${wanted}`);
});

test("schemata that ask for something else are told value by value", () => {
  for (const [wanted, words] of different) {
    assert.equal(schemataDifferences(EXISTING, wanted), words);
  }
});

test.run();
