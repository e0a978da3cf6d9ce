// intelRdt where the machine has no resctrl; with one, its ops are tested on a tree of plain files.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { run } from "../support/container.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

const name = "without resctrl the field is refused with what to do";
if (foreignRuntime) skip(name, "other runtimes have other words");
else if (readFileSync("/proc/self/mountinfo", "utf8").includes(" - resctrl ")) {
  skip(name, "resctrl is mounted");
} else {
  test(name, async () => {
    for (const intelRdt of [{}, { closID: "gold" }, { enableMonitoring: true }]) {
      const { code, stderr } = await run({ linux: { intelRdt } });
      assert.is(code, 1);
      assert.match(stderr, /\/linux\/intelRdt: no resctrl .*hint: .*mount -t resctrl/);
    }
  });
}

runTests();
