// exec on cgroup v2, where a process is born in its cgroup.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { withContainer } from "../support/container.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const resources = { memory: { limit: 16 << 20 } };

test("a process is in the container's cgroup, below it if told to, and beside init if it has to", async () => {
  const process = { args: ["/bin/sleep", "1000"] };
  await withContainer({ process, linux: { resources } }, async ({ id, does, state }) => {
    await does("start");
    const cgroup = join("/sys/fs/cgroup", id);
    const where = async (...flags: string[]): Promise<string> => {
      const outcome = await runt(["exec", ...flags, id, "cat", "/proc/self/cgroup"]);
      return outcome.code === 0 ? outcome.stdout : `${outcome.code} ${outcome.stderr}`;
    };
    assert.is(await where(), `0::/${id}\n`);
    mkdirSync(join(cgroup, "below"));
    assert.is(await where("--cgroup", "below"), `0::/${id}/below\n`);
    assert.match(await where("--cgroup", "memory:below"), /^255 .*no hierarchy of/);
    assert.match(await where("--cgroup", "../x"), /^255 .*below the container's cgroup/);
    // As systemd in a container does it.
    const { pid } = await state();
    writeFileSync(join(cgroup, "below/cgroup.procs"), String(pid));
    writeFileSync(join(cgroup, "cgroup.subtree_control"), "+memory");
    assert.is(await where(), `0::/${id}/below\n`);
  });
});

runTests();
