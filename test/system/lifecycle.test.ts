// create, state, start, kill, delete and list, with the words and exit codes that callers read.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, config, script } from "../support/bundle.ts";
import { stateOf, withContainer, withScript } from "../support/container.ts";
import { isRunning } from "../support/process.ts";
import { freshName, room } from "../support/room.ts";
import { sharedRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const sleeping = { process: script("sleep 100") };

test("create prints nothing and leaves a created container whose program has not run", async () => {
  await withContainer(withScript("echo ran"), async ({ create, state }) => {
    assert.equal(await create.ended, { code: 0, stdout: "", stderr: "" });
    const { status, pid } = await state();
    assert.is(status, "created");
    assert.ok(pid > 0);
    assert.is(create.stdout(), "");
  });
  shows("runtime.lifecycle.no-program-at-create");
});

test("the program runs after start and not before", async () => {
  await withContainer(withScript("echo ran"), async ({ create, does, becomes }) => {
    await does("start");
    await becomes("stopped");
    assert.is(create.stdout(), "ran\n");
  });
  shows("runtime.create.args-later", "runtime.lifecycle.program", "runtime.start.program");
});

test("state has runc's keys in runc's order, two spaces of indent, and the spec's values", async () => {
  const patch = { ...sleeping, annotations: { "org.example.key": "value" } };
  await withContainer(patch, async ({ id, bundle: directory }) => {
    const { stdout } = await runt(["state", id]);
    const state = JSON.parse(stdout);
    const keys = "ociVersion id pid status bundle rootfs created annotations owner".split(" ");
    assert.equal(Object.keys(state), keys);
    assert.is(stdout.trimEnd(), JSON.stringify(state, undefined, 2));
    assert.is(state.id, id);
    assert.is(state.bundle, directory);
    assert.is(state.rootfs, sharedRootfs());
    assert.equal(state.annotations, { "org.example.key": "value" });
    assert.match(state.ociVersion, /^1\.\d+\.\d+/);
    assert.match(state.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    assert.ok(Math.abs(Date.parse(state.created) - Date.now()) < 60_000);
  });
  shows("runtime.state.ociVersion", "runtime.state.id", "runtime.state.bundle");
  shows("runtime.query-state.state");
  shows("config.annotations.unknown");
});

test("a container is created, then running, then stopped with pid 0", async () => {
  await withContainer(sleeping, async ({ id, state, does, becomes }) => {
    const { pid } = await state();
    await does("start");
    const running = await state();
    assert.is(running.status, "running");
    assert.is(running.pid, pid);
    await does("kill", "KILL");
    const stopped = await becomes("stopped");
    assert.is(stopped.pid, 0);
    assert.is(stopped.id, id);
  });
  shows("runtime.state.status", "runtime.state.pid", "runtime.scope");
});

test("kill takes a number, a name, a name with SIG, in any case, and SIGTERM by default", async () => {
  for (const signal of [["10"], ["USR1"], ["SIGUSR1"], ["usr1"], ["sigusr1"], []]) {
    const name = signal.length === 0 ? "TERM" : "USR1";
    const text = `trap 'echo ${name}; exit 0' ${name}; echo ready; while true; do sleep 0.01; done`;
    await withContainer(withScript(text), async ({ create, does, becomes }) => {
      await does("start");
      await waitUntil("trap", () => create.stdout() === "ready\n");
      await does("kill", ...signal);
      await becomes("stopped");
      assert.is(create.stdout(), `ready\n${name}\n`);
    });
  }
  shows("runtime.kill.signal");
});

test("a created container can be killed and is then stopped", async () => {
  await withContainer(withScript("echo ran"), async ({ create, does, becomes }) => {
    await does("kill", "KILL");
    await becomes("stopped");
    assert.is(create.stdout(), "");
  });
});

test("signal 0 of a running container only looks whether it is there", async () => {
  await withContainer(sleeping, async ({ state, does }) => {
    await does("start");
    await does("kill", "0");
    assert.is((await state()).status, "running");
  });
});

test("kill of a stopped container says that it is not running", async () => {
  await withContainer({}, async ({ id, does, becomes }) => {
    await does("start");
    await becomes("stopped");
    const { code, stderr } = await runt(["kill", id, "KILL"]);
    assert.is(code, 1);
    assert.match(stderr, /container not running/);
    await does("kill", "--all", "KILL");
  });
  shows("runtime.kill.not-alive");
});

test("start of a running container and of a stopped one are refused", async () => {
  await withContainer(sleeping, async ({ id, does, becomes }) => {
    await does("start");
    const again = await runt(["start", id]);
    assert.is(again.code, 1);
    assert.match(again.stderr, /cannot start an already running container/);
    await does("kill", "KILL");
    await becomes("stopped");
    const late = await runt(["start", id]);
    assert.is(late.code, 1);
    assert.match(late.stderr, /cannot start a container that has stopped/);
  });
  shows("runtime.start.not-created");
});

test("delete of a running container is refused and changes nothing", async () => {
  await withContainer(sleeping, async ({ id, state, does }) => {
    await does("start");
    const { code, stderr } = await runt(["delete", id]);
    assert.is(code, 1);
    assert.match(stderr, new RegExp(`cannot delete container ${id} that is not stopped: running`));
    assert.is((await state()).status, "running");
  });
  shows("runtime.delete.not-stopped");
});

test("delete of a created container is refused, and done with --force", async () => {
  if (foreignRuntime) return;
  await withContainer(sleeping, async ({ id, state, does }) => {
    const { code, stderr } = await runt(["delete", id]);
    assert.is(code, 1);
    assert.match(stderr, new RegExp(`cannot delete container ${id} that is not stopped: created`));
    assert.is((await state()).status, "created");
    await does("start");
    assert.is((await state()).status, "running");
  });
  await withContainer(sleeping, async ({ id, does }) => {
    await does("delete", "--force");
    assert.is(await stateOf(id), undefined);
  });
  shows("runtime.delete.not-stopped");
});

test("delete --force ends a running container", async () => {
  await withContainer(sleeping, async ({ id, state, does }) => {
    await does("start");
    const { pid } = await state();
    await does("delete", "--force");
    assert.is(await stateOf(id), undefined);
    assert.not(isRunning(pid));
  });
});

test("delete --force of an unknown container succeeds in silence, delete does not", async () => {
  const id = freshName();
  assert.equal(await runt(["delete", "--force", id]), { code: 0, stdout: "", stderr: "" });
  const { code, stderr } = await runt(["delete", id]);
  assert.is(code, 1);
  assert.match(stderr, /does not exist/);
});

test("an id can be used again after delete", async () => {
  const id = freshName();
  for (const _ of [1, 2]) {
    const created = await runt(["create", "--bundle", bundle({}), id]);
    assert.is(created.code, 0, created.stderr);
    assert.is((await runt(["delete", "--force", id])).code, 0);
  }
});

test("a second container of the same id is refused and the first is untouched", async () => {
  await withContainer(sleeping, async ({ id, state }) => {
    const before = await state();
    const { code, stderr } = await runt(["create", "--bundle", bundle({}), id]);
    assert.is(code, 1);
    assert.match(stderr, /container with given ID already exists/);
    assert.equal(await state(), before);
  });
  shows("runtime.state.id-unique", "runtime.create.bad-id");
});

test("the bundle is the working directory unless named", async () => {
  const id = freshName();
  const cwd = bundle(withScript("echo here"));
  const { code, stdout, stderr } = await runt(["run", id], { cwd });
  assert.equal({ code, stdout, stderr }, { code: 0, stdout: "here\n", stderr: "" });
});

test("edits of the bundle after create change nothing", async () => {
  const patch = withScript("echo old; hostname", { hostname: "old", annotations: { a: "old" } });
  await withContainer(patch, async ({ bundle: directory, create, state, does, becomes }) => {
    const edited = config(withScript("echo new", { hostname: "new", annotations: { a: "new" } }));
    writeFileSync(join(directory, "config.json"), JSON.stringify(edited));
    assert.equal((await state()).annotations, { a: "old" });
    await does("start");
    await becomes("stopped");
    assert.is(create.stdout(), "old\nold\n");
  });
  shows("runtime.lifecycle.config-fixed");
});

test("list is a table of all containers, ids with --quiet, and an array with --format json", async () => {
  await withContainer(sleeping, async ({ id, state, does, bundle: directory }) => {
    await does("start");
    const { pid, created } = await state();
    const table = (await runt(["list"])).stdout.trimEnd().split("\n");
    assert.match(table[0] ?? "", /^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/);
    assert.equal(table[1]?.split(/ +/), [id, `${pid}`, "running", directory, created, "root"]);
    assert.is((await runt(["list", "--quiet"])).stdout, `${id}\n`);
    const json = JSON.parse((await runt(["list", "--format", "json"])).stdout);
    assert.is(json.length, 1);
    const one = { ...json[0] };
    const expected = await state();
    for (const key of ["id", "pid", "status", "bundle", "rootfs", "created"] as const) {
      assert.equal(one[key], expected[key], key);
    }
    assert.is(one.owner, "root");
  });
});

test("list of no containers is a header, and null as json", async () => {
  const header = (await runt(["list"])).stdout;
  assert.match(header, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/);
  assert.match((await runt(["list", "--format", "json"])).stdout, /^null\n?$/);
  assert.is((await runt(["list", "--quiet"])).stdout, "");
});

test("list skips a broken container with a warning and shows the others", async () => {
  if (foreignRuntime) return;
  await withContainer(sleeping, async (broken) => {
    const record = join(broken.bundle, "..", "root", broken.id, "record.json");
    const old = readFileSync(record);
    await withContainer(sleeping, async ({ id }) => {
      writeFileSync(record, "{");
      const { code, stdout, stderr } = await runt(["list"]);
      writeFileSync(record, old);
      assert.is(code, 0);
      assert.match(stdout, id);
      assert.match(stderr, broken.id);
    });
  });
});

test("delete --force removes a container whose record is damaged", async () => {
  if (foreignRuntime) return;
  for (const text of ["{", "", "[]", '{"version":99}']) {
    const id = freshName();
    mkdirSync(join(room.root, id), { recursive: true });
    writeFileSync(join(room.root, id, "record.json"), text);
    for (const command of ["state", "start", "kill", "delete"]) {
      const { code, stderr } = await runt([command, id]);
      assert.is(code, 1, `${command} with ${text}`);
      assert.match(stderr, id);
      assert.not.match(stderr, /internal error/);
    }
    const { code, stderr } = await runt(["delete", "--force", id]);
    assert.is(code, 0, stderr);
    assert.is(await stateOf(id), undefined);
  }
});

test("a pid that another process has by now is never signalled", async () => {
  if (foreignRuntime) return;
  const bystander = Bun.spawn(["sleep", "60"]);
  const id = freshName();
  await runt(["run", "--keep", "--bundle", bundle({}), id]);
  const path = join(room.root, id, "record.json");
  const record = JSON.parse(readFileSync(path, "utf8"));
  record.init.pid = bystander.pid;
  writeFileSync(path, JSON.stringify(record));
  assert.is((await stateOf(id))?.status, "stopped");
  assert.is((await runt(["kill", id, "KILL"])).code, 1);
  assert.is((await runt(["delete", "--force", id])).code, 0);
  await Bun.sleep(50);
  assert.is(bystander.exitCode, null);
  assert.is(bystander.signalCode, null);
  bystander.kill("SIGKILL");
  await bystander.exited;
});

test("a container that was killed from outside is stopped and can be deleted", async () => {
  await withContainer(sleeping, async ({ id, state, does, becomes }) => {
    await does("start");
    process.kill((await state()).pid, "SIGKILL");
    await becomes("stopped");
    await does("delete");
    assert.is(await stateOf(id), undefined);
  });
});

test("a config without process can be created and not started", async () => {
  if (foreignRuntime) return;
  await withContainer({ process: undefined }, async ({ id, state }) => {
    assert.is((await state()).status, "created");
    const { code, stderr } = await runt(["start", id]);
    assert.is(code, 1);
    assert.match(stderr, /process/);
  });
  shows("runtime.start.no-process", "config.process");
});

runTests();
