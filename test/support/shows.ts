// Tags of tests: which demands of the specification a test shows (test/spec/demands.txt).

import { appendFileSync } from "node:fs";
import { type Test, test } from "uvu";

let name = "";
nameTests(test);

/** Lets `shows` know the names of the tests of a suite that has a context of its own. */
export function nameTests<Context>(tests: Test<Context>): void {
  tests.before.each((context) => {
    name = String(Object(context)["__test__"]);
  });
}

/**
 * Says which demands of the specification a test has shown: its last statement, which is reached
 * when all its assertions held. The runner of the tests collects what is said, of files that pass.
 *
 * @param ids as in test/spec/demands.txt
 */
export function shows(...ids: string[]): void {
  const file = process.env["TEST_SHOWS"];
  if (file === undefined) return;
  appendFileSync(file, ids.map((id) => `${JSON.stringify({ id, test: name })}\n`).join(""));
}
