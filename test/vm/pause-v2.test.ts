// pause, resume, ps and the end of paused containers by the freezer of cgroup v2; what does not
// depend on it is in test/system/pause.test.ts and ps.test.ts.

import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { defaultNamespaces } from "../support/bundle.ts";
import { withContainer, withScript } from "../support/container.ts";
import { freshName } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const text = "(setsid sleep 100) & i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done";
const namespaces = defaultNamespaces.filter((one) => !JSON.stringify(one).includes('"pid"'));

test("a container without a pid namespace stands still, goes on, and ends as a whole", async () => {
  const cgroupsPath = `/${freshName()}`;
  const directory = `/sys/fs/cgroup${cgroupsPath}`;
  const patch = withScript(text, { linux: { cgroupsPath, namespaces } });
  await withContainer(patch, async ({ id, create, does, state }) => {
    await does("start");
    await waitUntil("output", () => create.stdout().length > 20);
    await does("pause");
    const before = create.stdout();
    assert.is((await state()).status, "paused");
    assert.match(readFileSync(`${directory}/cgroup.events`, "utf8"), "frozen 1");
    assert.is(create.stdout(), before);
    const pids = JSON.parse((await runt(["ps", "--format", "json", id])).stdout);
    const inCgroup = readFileSync(`${directory}/cgroup.procs`, "utf8").trim().split("\n");
    assert.equal(pids.toSorted(), inCgroup.map(Number).toSorted());
    assert.ok(pids.length >= 2);
    await does("resume");
    await waitUntil("more output", () => create.stdout() !== before);
    await does("pause");
    await does("delete", "--force");
    assert.not(existsSync(directory));
  });
});

test("a paused container is killed", async () => {
  await withContainer(withScript("sleep 100"), async ({ does, becomes }) => {
    await does("start");
    await does("pause");
    await does("kill", "KILL");
    await becomes("stopped");
  });
});

runTests();
