// The frame of a test file that uses containers: it cleans up whatever happens, has a time limit
// of its own below the test runner's, and ends by looking for what was left behind.

import { test as uvuTest } from "uvu";
import * as assert from "uvu/assert";
import { cleanUp, leaks } from "./leaks.ts";
import { patience } from "./patience.ts";
import { runtime } from "./runt.ts";

const usualLimitMs = process.env["SOAK"] === "1" ? 3_500_000 : 100_000;

/** A test of this file. */
export const test = uvuTest;

export interface SuiteOptions {
  limitMs?: number;
  /** Ends what the tests shared, such as a daemon, before the look at what is left. */
  atEnd?: () => Promise<void>;
}

/** Runs the file's tests; the last line of every test file. */
export function runTests(options: SuiteOptions = {}): void {
  const limitMs = options.limitMs ?? usualLimitMs * patience;
  const timer = setTimeout(() => {
    console.log(`the file took more than ${limitMs / 1000} s`);
    cleanUp().finally(() => process.exit(1));
  }, limitMs);
  test("nothing is left behind on the host", async () => {
    await options.atEnd?.();
    assert.equal(await leaks(), []);
  });
  test.after(async () => {
    await cleanUp();
    clearTimeout(timer);
  });
  test.run();
}

/** A test that cannot run here; says why. */
export function skip(name: string, reason: string): void {
  console.log(`SKIP ${name}: ${reason}`);
  test.skip(name);
}

/** Whether another runtime than ours is under test, to try the tests themselves. */
export const foreignRuntime = !runtime.endsWith("/runt");
