// pause and resume, and what can be done with a container that is paused; killing whole cgroups.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { defaultMounts, defaultNamespaces, type Json, type Patch } from "../support/bundle.ts";
import { type Container, withContainer, withScript } from "../support/container.ts";
import { freshName } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const MOUNT = "/sys/fs/cgroup";
const isV1 = existsSync(`${MOUNT}/freezer`);
const canFreeze = isV1 || existsSync(`${MOUNT}/cgroup.controllers`);

/** A test that freezes processes. */
function testFrozen(name: string, body: () => Promise<void>): void {
  if (canFreeze) test(name, body);
  else skip(name, "no freezer here");
}

/** A test of what only the freezer of v1 does. */
function testV1(name: string, body: () => Promise<void>): void {
  if (isV1) test(name, body);
  else skip(name, "no cgroup v1 freezer here");
}

const counting = withScript("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done");
const withoutPid = defaultNamespaces.filter((one) => !isPid(one));

function isPid(namespace: Json): boolean {
  return JSON.stringify(namespace).includes('"pid"');
}

/** Processes in a cgroup of the hierarchy that freezes. */
function processes(path: string): string[] {
  const file = `${MOUNT}${isV1 ? "/freezer" : ""}${path}/cgroup.procs`;
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}

async function fails(words: readonly string[], text: string): Promise<void> {
  const { code, stderr } = await runt(words);
  assert.is.not(code, 0, words.join(" "));
  assert.match(stderr, text);
}

testFrozen("a paused container stands still, and a resumed one goes on", async () => {
  await withContainer(counting, async ({ id, create, does, becomes, state }) => {
    await does("start");
    await waitUntil("output", () => create.stdout().length > 20);
    await does("pause");
    const before = create.stdout();
    assert.is((await state()).status, "paused");
    await Bun.sleep(60);
    assert.is(create.stdout(), before);
    await fails(["pause", id], "container not running: it is paused already");
    await fails(["start", id], "cannot start a container in the paused state");
    await fails(["delete", id], `cannot delete container ${id} that is not stopped: paused`);
    await does("resume");
    await becomes("running");
    await waitUntil("more output", () => create.stdout() !== before);
    await fails(["resume", id], "container not paused");
  });
});

testFrozen("a created container can be paused, resumed and then started", async () => {
  await withContainer({}, async ({ does, state, becomes }) => {
    await does("pause");
    assert.is((await state()).status, "paused");
    await does("resume");
    assert.is((await state()).status, "created");
    await does("start");
    await becomes("stopped");
  });
});

testFrozen("a paused container can be killed", async () => {
  await withContainer(counting, async ({ does, becomes }) => {
    await does("start");
    await does("pause");
    await does("kill", "KILL");
    await becomes("stopped");
  });
});

testFrozen("a paused container takes another signal when it goes on", async () => {
  const patch = withScript("trap 'exit 3' USR1; while :; do sleep 0.01; done");
  await withContainer(patch, async ({ does, becomes, state }) => {
    await does("start");
    await does("pause");
    await does("kill", "USR1");
    await does("kill", "--all", "USR1");
    assert.is((await state()).status, "paused");
    await does("resume");
    await becomes("stopped");
  });
});

testFrozen("a paused container can be deleted by force, whatever its pid namespace", async () => {
  for (const namespaces of [defaultNamespaces, withoutPid]) {
    const patch = withScript("(sleep 100) & sleep 100", { linux: { namespaces } });
    await withContainer(patch, async ({ id, does }) => {
      await does("start");
      await does("pause");
      await does("delete", "--force");
      await fails(["state", id], "does not exist");
    });
  }
});

testFrozen("pause and resume of what is not there, or has stopped, are refused", async () => {
  await fails(["pause", "nobody"], "does not exist");
  await fails(["resume", "nobody"], "does not exist");
  await withContainer({}, async ({ id, does, becomes }) => {
    await does("start");
    await becomes("stopped");
    await fails(["pause", id], "container not running");
    await fails(["resume", id], "container not paused");
  });
});

/** A container whose processes have ours as their pid namespace, with a child in a session of its own. */
async function withFamily(use: (container: Container, path: string) => Promise<void>) {
  const cgroupsPath = `/${freshName()}`;
  const patch = withScript("(setsid sleep 100) & (setsid sleep 100) & echo up; sleep 100", {
    linux: { namespaces: withoutPid, cgroupsPath },
  });
  await withContainer(patch, async (container) => {
    await container.does("start");
    await waitUntil("three processes", () => processes(cgroupsPath).length >= 3);
    await use(container, cgroupsPath);
  });
}

testFrozen("a kill ends everyone where no pid namespace ends with init", async () => {
  await withFamily(async ({ does, becomes }, path) => {
    await does("kill", "KILL");
    await becomes("stopped");
    await waitUntil("end of all", () => processes(path).length === 0);
  });
});

testFrozen("a kill reaches what init has left behind, and then there is nobody", async () => {
  await withFamily(async ({ id, does, becomes, state }, path) => {
    process.kill((await state()).pid, "SIGKILL");
    await becomes("stopped");
    assert.ok(processes(path).length > 0);
    await does("kill", "KILL");
    await waitUntil("end of all", () => processes(path).length === 0);
    await fails(["kill", id, "KILL"], "container not running");
    await does("kill", "--all", "KILL");
  });
});

testFrozen("kill --all signals every process, and no more than once", async () => {
  const text = "trap 'echo got' USR1; (trap 'echo got' USR1; while :; do sleep 0.01; done) & ";
  await withContainer(
    withScript(`${text} echo up; while :; do sleep 0.01; done`),
    async ({ create, does }) => {
      await does("start");
      await waitUntil("both", () => create.stdout().includes("up"));
      await Bun.sleep(50);
      await does("kill", "--all", "CONT");
      await does("kill", "--all", "USR1");
      await waitUntil("two answers", () => create.stdout().split("got").length === 3);
    },
  );
});

testFrozen("processes that fork all the time do not get away", async () => {
  const cgroupsPath = `/${freshName()}`;
  const text = "f() { while :; do (:) & (:) & wait; done; }; f & f & f & f";
  const resources = { pids: { limit: 60 } };
  const patch = withScript(text, { linux: { namespaces: withoutPid, cgroupsPath, resources } });
  await withContainer(patch, async ({ does, becomes }) => {
    await does("start");
    await waitUntil("a crowd", () => processes(cgroupsPath).length > 4);
    await does("pause");
    const before = processes(cgroupsPath).toSorted();
    await Bun.sleep(30);
    assert.equal(processes(cgroupsPath).toSorted(), before);
    await does("resume");
    await does("kill", "KILL");
    await becomes("stopped");
    await waitUntil("end of all", () => processes(cgroupsPath).length === 0);
  });
});

testV1("a container within a paused cgroup cannot be resumed alone, and says why", async () => {
  const above = freshName();
  const directory = `${MOUNT}/freezer/${above}`;
  mkdirSync(directory);
  try {
    await withContainer({ linux: { cgroupsPath: `/${above}/a` } }, async ({ id, does, state }) => {
      writeFileSync(`${directory}/freezer.state`, "FROZEN");
      try {
        assert.is((await state()).status, "paused");
        await fails(["resume", id], "a cgroup above it is frozen");
      } finally {
        writeFileSync(`${directory}/freezer.state`, "THAWED");
      }
      await does("pause");
      await does("resume");
    });
  } finally {
    rmdirSync(directory);
  }
});

testV1("processes that are frozen in a cgroup of the container's own die with it", async () => {
  const mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
  const text = `cd /sys/fs/cgroup/freezer; mkdir a; sleep 100 & echo $! > a/cgroup.procs
    echo FROZEN > a/freezer.state; echo up; sleep 100`;
  const patch: Patch = { mounts: [...defaultMounts, mount] };
  await withContainer(withScript(text, patch), async ({ create, does }) => {
    await does("start");
    await waitUntil("the frozen child", () => create.stdout().includes("up"));
    await does("pause");
    await does("delete", "--force");
  });
});

runTests();
