// --systemd-cgroup where systemd fails, which a real one does not do on demand: a program plays it.
// What a real one does is tested in virtual machines.

import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { startUnit } from "../../runtime/cgroup/systemd/manager.ts";
import { bundle, type Patch } from "../support/bundle.ts";
import type { Misbehaviour } from "../support/fake-systemd.ts";
import { freshName, room } from "../support/room.ts";
import { type Outcome, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const isV2 = existsSync("/sys/fs/cgroup/cgroup.controllers");

interface Played {
  env: Record<string, string>;
  address: string;
  /** Methods that have been called, with their texts. */
  calls(): string[];
}

/** A manager of a kind while it is used. */
async function withManager(
  how: Misbehaviour,
  use: (manager: Played) => Promise<void>,
  taken = "",
): Promise<void> {
  const socket = join(room.directory, freshName());
  const program = join(import.meta.dir, "../support/fake-systemd.ts");
  const child = Bun.spawn([process.execPath, program, socket, how, taken], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const listen = (async () => {
    const decoder = new TextDecoder();
    for await (const part of child.stdout) said += decoder.decode(part);
  })();
  try {
    await waitUntil("the manager", () => said.includes("listening"));
    const address = `unix:path=${socket}`;
    const calls = () => said.split("\n").slice(1, -1);
    await use({ env: { DBUS_SYSTEM_BUS_ADDRESS: address }, address, calls });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    await listen;
  }
}

/** With the log's quotes as they were. */
async function run(patch: Patch, id: string, env: Record<string, string>): Promise<Outcome> {
  const args = ["--systemd-cgroup", "run", "--bundle", bundle(patch), id];
  const outcome = await runt(args, { env });
  return { ...outcome, stderr: outcome.stderr.replaceAll('\\"', '"') };
}

test("without systemd the error says so, and nothing is left", async () => {
  const env = { DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/nowhere/systemd" };
  const { code, stderr } = await run({}, freshName(), env);
  assert.is(code, 1);
  assert.match(stderr, /systemd cannot be reached: connect\("\/nowhere\/systemd"\): no such file/);
  assert.match(stderr, /hint: .*leave out --systemd-cgroup/);
});

test("an ordinary user without a session is told what says where their systemd is", async () => {
  const through = ["unshare", "--user", "--map-root-user"];
  const args = ["--systemd-cgroup", "run", "--bundle", bundle({}), freshName()];
  const { code, stderr } = await runt(args, { through });
  assert.is(code, 1);
  assert.match(stderr, /neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR says where/);
});

test("a path that names no unit, and what is no property, are told with their fields", async () => {
  await withManager("none", async ({ env, calls }) => {
    const annotations = { "org.systemd.property.KillMode": "mixed" };
    const patch = { linux: { cgroupsPath: "/a/b", resources: { pids: { limit: 5 } } } };
    const path = await run(patch, freshName(), env);
    assert.match(path.stderr, /\/linux\/cgroupsPath: found "\/a\/b", wanted slice:prefix:name/);
    assert.not.match(path.stderr, /pids/);
    const property = await run({ annotations }, freshName(), env);
    assert.match(property.stderr, /\/annotations\/org.systemd.property.KillMode: found "mixed"/);
    assert.not.ok(calls().some((line) => line.startsWith("StartTransientUnit")));
  });
});

const FAILURES: readonly [how: Misbehaviour, error: RegExp][] = [
  [
    "failed",
    /unit.start \(\/linux\/cgroupsPath\): .*job for t-\S+\.scope ended as "failed" \(hint: s/,
  ],
  ["denying", /AccessDenied: what it says \(hint: polkit leaves the units of the machine to root/],
  ["elsewhere", /systemd has put t-\S+\.scope in the cgroup "", and not in \/system.slice\/t-/],
];

for (const [how, error] of FAILURES) {
  test(`a manager that is ${how} is an error with nothing left`, async () => {
    await withManager(how, async ({ env }) => {
      const id = freshName();
      const cgroupsPath = `system.slice:t:${id}`;
      const { code, stderr } = await run({ linux: { cgroupsPath } }, id, env);
      assert.is(code, 1);
      assert.match(stderr, error);
      assert.not.match(stderr, /level=warning/);
    });
  });
}

test("a unit that failed under the same name is cleared away", async () => {
  const id = freshName();
  await withManager(
    "stale",
    async ({ env, calls }) => {
      if (isV2) return console.log("SKIP: on v2 systemd alone makes the cgroup");
      const { code, stderr } = await run({ linux: { cgroupsPath: `:t:${id}` } }, id, env);
      assert.is(code, 0, stderr);
      const starts = calls().filter((line) => /^(StartTransient|ResetFailed|Stop)Unit/.test(line));
      const name = `t-${id}.scope`;
      assert.equal(starts, [
        `StartTransientUnit ${name} replace`,
        `ResetFailedUnit ${name}`,
        `StartTransientUnit ${name} replace`,
        `StopUnit ${name} replace`,
        `ResetFailedUnit ${name}`,
      ]);
    },
    `t-${id}.scope`,
  );
});

test("a unit that is somebody else's is an error, and left alone", async () => {
  const id = freshName();
  await withManager(
    "none",
    async ({ env, calls }) => {
      const { code, stderr } = await run({ linux: { cgroupsPath: `:t:${id}` } }, id, env);
      assert.is(code, 1);
      assert.match(stderr, /UnitExists: what it says \(hint: something else runs as this unit/);
      assert.not.ok(calls().some((line) => line.startsWith("StopUnit")));
    },
    `t-${id}.scope`,
  );
});

test("delete stops the unit in a process of its own, whose environment knows of no systemd", async () => {
  if (isV2) return console.log("SKIP: on v2 systemd alone makes the cgroup");
  await withManager("none", async ({ env, calls }) => {
    const id = freshName();
    const args = ["--systemd-cgroup", "create", "--bundle", bundle({}), id];
    const { code, stderr } = await runt(args, { env });
    assert.is(code, 0, stderr);
    assert.ok(calls().includes(`StartTransientUnit runt-${id}.scope replace`));
    assert.not.ok(calls().some((line) => line.startsWith("StopUnit")));
    assert.is((await runt(["delete", "--force", id])).code, 0);
    assert.ok(calls().includes(`StopUnit runt-${id}.scope replace`));
  });
});

for (const [how, awaited] of [
  ["mute", "the greeting"],
  ["endless", "JobRemoved"],
] as const) {
  test(`a manager that is ${how} is an error after a limit`, async () => {
    await withManager(how, async ({ address }) => {
      const unit = { name: "x.scope", properties: [], path: "/x.scope", limitMs: 300 };
      const error = new RegExp(`has not answered within 0.3 s \\(${awaited}\\)$`);
      assert.throws(() => startUnit(address, unit), error);
    });
  });
}

runTests();
