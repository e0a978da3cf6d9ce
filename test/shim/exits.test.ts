// Ends of processes as a shim tells them: in order, none lost, whoever is killed or away meanwhile.

import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { script } from "../support/bundle.ts";
import { hookFolder } from "../support/hook.ts";
import { isRunning } from "../support/process.ts";
import { deleteRemains, withShim } from "../support/shim-client.ts";
import { type EventReceiver, receiveEvents } from "../support/shim-events.ts";
import { processSpec, startExec } from "../support/shim-exec.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

let events: EventReceiver = receiveEvents();

const SIGKILL = 9;
const endless = { process: script("while :; do sleep 1; done") };
/** The pid namespace is the host's: nobody else ends with init. */
const ofHostPids = {
  linux: {
    namespaces: [{ type: "mount" }, { type: "ipc" }, { type: "uts" }, { type: "network" }],
    cgroupsPath: "",
  },
};

/** Pids of the children of a process that nobody has reaped. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

async function newChild(shim: number, known: readonly number[]): Promise<number> {
  return await waitUntil("a worker", () => childrenOf(shim).find((pid) => !known.includes(pid)));
}

test("ends are told in order: execs' when they have begun, init's as the last", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    for (const execId of ["one", "two"]) await startExec(tasks, { id, execId }, ["sleep", "1000"]);
    const quick = Array.from({ length: 10 }, (_, index) => `quick-${index}`);
    await Promise.all(quick.map((execId) => startExec(tasks, { id, execId }, ["true"])));
    await Promise.all(quick.map((execId) => tasks.wait({ id, execId })));
    await tasks.kill({ id, signal: SIGKILL });
    await tasks.wait({ id });
    const exits = await events.events(id, "/tasks/exit", 13);
    assert.equal(new Set(exits.slice(10).map((exit) => exit.id)), new Set(["one", "two", id]));
    assert.is(exits.at(-1)?.id, id);
    const started = await events.events(id, "/tasks/exec-started", 12);
    assert.equal(started.map((one) => one.execId).toSorted(), [...quick, "one", "two"].toSorted());
    const ids = events.received(id).flatMap(({ topic, value }) => {
      const text = Buffer.from(value).toString();
      const execId = [...quick, "one", "two"].find((one) => text.includes(one));
      return execId === undefined ? [] : [`${topic} ${execId}`];
    });
    for (const execId of [...quick, "one", "two"]) {
      const own = ids.filter((line) => line.endsWith(` ${execId}`));
      const order = ["/tasks/exec-added", "/tasks/exec-started", "/tasks/exit"];
      assert.equal(
        own,
        order.map((topic) => `${topic} ${execId}`),
      );
    }
  });
});

test("what init leaves behind in the host's pid namespace is killed, and reaped", async () => {
  const patch = {
    ...ofHostPids,
    // Its children's children are the shim's, when their parents have gone.
    process: script(
      "for i in 1 2 3; do (sleep 1000 & sleep 1000 &) & done; sleep 0.2; read go; exit 4",
    ),
  };
  const streams = clientStreams({ stdin: true });
  await withShim({ patch }, async ({ id, pid, tasks, create }) => {
    await create(streams.names);
    await tasks.start({ id });
    const sleeper = await startExec(tasks, { id, execId: "e" }, ["sleep", "1000"]);
    const { processes } = await tasks.pids({ id });
    await waitUntil("all of them", async () => (await tasks.pids({ id })).processes.length >= 8);
    streams.write("go\n");
    assert.is((await tasks.wait({ id })).exitStatus, 4);
    assert.is((await tasks.wait({ id, execId: "e" })).exitStatus, 137);
    const exits = await events.events(id, "/tasks/exit", 2);
    assert.equal(
      exits.map((exit) => exit.id),
      ["e", id],
    );
    assert.not(isRunning(sleeper.pid));
    await waitUntil("the others' end", () => processes.every((one) => !isRunning(one.pid)));
    await waitUntil("reaping", () => childrenOf(pid).length === 0);
  });
});

test("ten thousand orphans do no harm", async () => {
  const patch = {
    ...ofHostPids,
    process: script("i=0; while [ $i -lt 10000 ]; do (true &); i=$((i+1)); done; exit 5"),
  };
  await withShim({ patch }, async ({ id, pid, tasks, create }) => {
    await create();
    await tasks.start({ id });
    const waiting = tasks.wait({ id });
    let count = 0;
    while ((await Promise.race([waiting, Bun.sleep(100)])) === undefined) {
      const execId = `e${count++}`;
      const isStarted = await startExec(tasks, { id, execId }, ["sh", "-c", "exit 6"]).then(
        () => true,
        (error: unknown) => {
          assert.match(String(error), /init process is not running|stopped/);
          return false;
        },
      );
      if (!isStarted) continue;
      assert.is((await tasks.wait({ id, execId })).exitStatus, 6);
      await tasks.delete({ id, execId });
    }
    assert.is((await waiting).exitStatus, 5);
    await waitUntil("reaping", () => childrenOf(pid).length === 0);
  });
});

test("an end while containerd is away is told when it is back, in order, once", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    await events.events(id, "/tasks/start");
    const before = events;
    events.stop();
    await startExec(tasks, { id, execId: "e" }, ["true"]);
    await tasks.wait({ id, execId: "e" });
    await tasks.kill({ id, signal: SIGKILL });
    await tasks.wait({ id });
    events = receiveEvents();
    await events.events(id, "/tasks/exit", 2);
    assert.equal(before.topics(id), ["create", "start"]);
    assert.equal(events.topics(id), ["exec-added", "exec-started", "exit", "exit"]);
  });
});

test("a containerd that hangs, or refuses, misses nothing", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    events.answering = undefined;
    await create();
    await tasks.start({ id });
    await waitUntil("the first event", () => events.topics(id).length === 1);
    // It ends without having answered: nobody knows whether it has taken the event.
    events.stop();
    events = receiveEvents();
    events.answering = { status: { code: 14, message: "not now" } };
    await waitUntil("the first event again", () => events.topics(id).length >= 2);
    events.answering = {};
    await events.events(id, "/tasks/start");
    const topics = events.topics(id);
    assert.equal(new Set(topics.slice(0, -1)), new Set(["create"]));
    events.answering = { status: { code: 3, message: "never" } };
    await tasks.pause({ id });
    await tasks.resume({ id });
    await events.events(id, "/tasks/resumed");
    assert.equal(events.topics(id).slice(-2), ["paused", "resumed"], "told once each");
    events.answering = {};
  });
});

test("a shim that was shut down tells what there is to tell before it ends", async () => {
  await withShim({ patch: { process: script("exit 3") } }, async ({ id, pid, tasks, create }) => {
    events.stop();
    await create();
    await tasks.start({ id });
    await tasks.wait({ id });
    await tasks.delete({ id });
    // A containerd that starts takes no events before all shims have answered.
    await tasks.shutdown({ id });
    events = receiveEvents();
    await waitUntil("its end", () => !isRunning(pid));
    assert.equal(events.topics(id), ["create", "start", "exit", "delete"]);
  });
});

test("who cleans up after a shim that was killed knows how the container ended", async () => {
  await withShim({ patch: { process: script("exit 3") } }, async (shim) => {
    const { id, pid, tasks, create } = shim;
    await create();
    await tasks.start({ id });
    await tasks.wait({ id });
    const [exit] = await events.events(id, "/tasks/exit");
    process.kill(pid, "SIGKILL");
    await waitUntil("its end", () => !isRunning(pid));
    const { exitStatus, exitedAt } = await deleteRemains(shim);
    assert.is(exitStatus, 3);
    assert.equal(exitedAt, exit?.exitedAt);
  });
});

test("a worker that is killed while it creates leaves nothing, and the next goes well", async () => {
  const folder = hookFolder();
  const slow = folder.add("slow", "echo $$ > $DIR/began; [ -e $DIR/go ] || exec sleep 1000");
  const hooks = { createRuntime: [{ path: slow }] };
  await withShim({ patch: endless }, async (first) => {
    await first.create();
    await first.tasks.start({ id: first.id });
    const annotations = { "io.kubernetes.cri.sandbox-id": first.id };
    await withShim(
      { patch: { ...endless, hooks, annotations } },
      async ({ id, pid, tasks, create }) => {
        await waitUntil("the worker's end", () => childrenOf(pid).length === 1);
        const known = childrenOf(pid);
        const failing = create().then(
          () => "",
          (error: unknown) => String(error),
        );
        const worker = await newChild(pid, known);
        await waitUntil("the hook", () => folder.read("began")?.endsWith("\n"));
        process.kill(worker, "SIGKILL");
        assert.match(await failing, /OCI runtime create failed: the worker ended with 137/);
        await waitUntil("the end of all it made", () => childrenOf(pid).join() === known.join());
        await waitUntil("the hook's end", () => !isRunning(Number(folder.read("began"))));
        assert.ok((await first.tasks.state({ id: first.id })).status === 2);
        folder.add("go", "");
        await create();
        await tasks.start({ id });
      },
    );
  });
});

test("a worker that is killed while it executes leaves no process", async () => {
  await withShim(
    { patch: { process: { args: ["sleep", "1000"] } } },
    async ({ id, pid, tasks, create }) => {
      const init = (await create()).pid;
      await tasks.start({ id });
      await waitUntil("the worker's end", () => childrenOf(pid).length === 1);
      const before = descriptorsOf(pid);
      let lost = 0;
      for (let round = 0; round < 40; round++) {
        const place = { id, execId: `e${round}` };
        const terminal = round % 2 === 1;
        await tasks.exec({ ...place, terminal, spec: processSpec(["sleep", "1000"]) });
        const starting = tasks.start(place).then(
          () => undefined,
          (error: unknown) => String(error),
        );
        await killWorker(pid, init, round * 0.6);
        const outcome = await starting;
        if (outcome === undefined) {
          // It may be the program itself that was killed.
          await tasks.kill({ ...place, signal: SIGKILL }).catch((error: unknown) => {
            assert.match(String(error), /process already finished/);
          });
        } else {
          lost++;
          assert.match(outcome, /OCI runtime exec failed/);
        }
        await tasks.wait(place);
        await tasks.delete(place);
        const { processes } = await tasks.pids({ id });
        assert.equal(
          processes.map((one) => one.pid),
          [init],
        );
      }
      assert.ok(lost > 5, `${lost} were killed`);
      await waitUntil("all are reaped", () => childrenOf(pid).join() === `${init}`);
      assert.equal(descriptorsOf(pid), before);
    },
  );
});

test("a full disk in the bundle keeps no end from being told", async () => {
  await withShim(
    { patch: { process: script("exit 3") } },
    async ({ id, bundle, tasks, create }) => {
      const config = readFileSync(`${bundle}/config.json`);
      const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", bundle]);
      assert.is(mounted.exitCode, 0);
      try {
        writeFileSync(`${bundle}/config.json`, config);
        Bun.spawnSync(["dd", "if=/dev/zero", `of=${bundle}/rest`]);
        await create();
        await tasks.start({ id });
        assert.is((await tasks.wait({ id })).exitStatus, 3);
        assert.is((await tasks.delete({ id })).exitStatus, 3);
      } finally {
        Bun.spawnSync(["umount", "-l", bundle]);
      }
    },
  );
});

test("a worker that is killed while it starts or pauses a container does it no harm", async () => {
  const folder = hookFolder();
  const slow = folder.add("slow", "echo $$ > $DIR/began; [ -e $DIR/go ] || exec sleep 1000");
  const hooks = { poststart: [{ path: slow }] };
  await withShim({ patch: { ...endless, hooks } }, async ({ id, pid, tasks, create }) => {
    const init = (await create()).pid;
    await waitUntil("the worker's end", () => childrenOf(pid).length === 1);
    const starting = tasks.start({ id }).then(
      () => "",
      (error: unknown) => String(error),
    );
    const worker = await newChild(pid, [init]);
    await waitUntil("the hook", () => folder.read("began")?.endsWith("\n"));
    process.kill(worker, "SIGKILL");
    assert.match(await starting, /OCI runtime start failed: the worker ended with 137/);
    await waitUntil("the hook's end", () => !isRunning(Number(folder.read("began"))));
    assert.is((await tasks.state({ id })).status, 2, "its program runs by then");
    const pausing = tasks.pause({ id }).then(
      () => "",
      (error: unknown) => String(error),
    );
    await killWorker(pid, init, 1);
    const outcome = await pausing;
    const { status } = await tasks.state({ id });
    assert.is(status, outcome === "" ? 4 : 2, outcome);
    await tasks.kill({ id, signal: SIGKILL });
    assert.is((await tasks.wait({ id })).exitStatus, 137);
  });
});

test("a container whose output nobody takes waits, and nobody else does", async () => {
  const patch = { process: script("while :; do echo much; done") };
  await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
    const stdout = `${bundle}/stdout`;
    Bun.spawnSync(["mkfifo", stdout]);
    await create({ stdout });
    await tasks.start({ id });
    const execId = "e";
    await startExec(tasks, { id, execId }, ["true"]);
    assert.is((await tasks.wait({ id, execId })).exitStatus, 0);
    await tasks.kill({ id, signal: SIGKILL });
    assert.is((await tasks.wait({ id })).exitStatus, 137);
    await tasks.delete({ id });
  });
});

test("SIGUSR1 has the shim's state written to its log, SIGTERM ends it", async () => {
  await withShim({ patch: endless }, async ({ id, pid, socket, tasks, create, log }) => {
    await create();
    await tasks.start({ id });
    await startExec(tasks, { id, execId: "e" }, ["sleep", "1000"]);
    const waiting = tasks.wait({ id }).catch(() => undefined);
    await tasks.state({ id });
    process.kill(pid, "SIGUSR1");
    const text = await waitUntil("the log", () => /msg="shim" .*\n/.test(log()) && log());
    assert.match(text, new RegExp(`msg="task" task=${id} .*state=running`));
    assert.match(text, /msg="exec" .*exec=e /);
    assert.match(text, /msg="pending call".*WaitRequest/);
    await tasks.kill({ id, signal: SIGKILL });
    await waiting;
    process.kill(pid, "SIGTERM");
    await waitUntil("its end", () => !isRunning(pid));
    assert.not(existsSync(socket));
  });
});

test("signals that come while the shim rests do not end it, nor are they lost", async () => {
  await withShim({ patch: endless }, async ({ id, pid, socket, tasks, create, log }) => {
    const actions = () => readFileSync(`/proc/${pid}/status`, "utf8").match(/^Sig(Ign|Cgt):.*/gm);
    const before = actions();
    await create();
    await tasks.start({ id });
    for (let round = 0; round < 5; round++) {
      // After some work there is a pause, and in it a rest.
      for (let count = 0; count < 60; count++) await tasks.state({ id });
      const endMs = performance.now() + 200;
      for (let sent = 0; performance.now() < endMs; sent++) {
        process.kill(pid, sent % 2 === 0 ? "SIGUSR1" : "SIGHUP");
        await Bun.sleep(0);
      }
      assert.match(log(), /msg="shim"/);
    }
    assert.is((await tasks.state({ id })).status, 2);
    // What waits for its Start has them as the shim does.
    await waitUntil("their default", () => actions()?.join() === before?.join());
    await tasks.kill({ id, signal: SIGKILL });
    await tasks.wait({ id });
    for (let count = 0; count < 60; count++) await tasks.connect({ id });
    await Bun.sleep(99);
    process.kill(pid, "SIGTERM");
    await waitUntil("its end", () => !isRunning(pid));
    assert.not(existsSync(socket));
  });
});

runTests({ atEnd: async () => events.stop() });

/** Kills the first child but init, after a moment. */
async function killWorker(shim: number, init: number, delayMs: number): Promise<void> {
  const endMs = performance.now() + 2_000;
  while (performance.now() < endMs) {
    const worker = childrenOf(shim).find((pid) => pid !== init);
    if (worker === undefined) continue;
    const killMs = performance.now() + delayMs;
    while (performance.now() < killMs);
    try {
      process.kill(worker, "SIGKILL");
    } catch {
      // It was quicker.
    }
    return;
  }
}

/** What a process has open but for sockets, which clients and events have. */
function descriptorsOf(pid: number): string[] {
  const names = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  return names.filter((name) => !name.startsWith("socket:")).toSorted();
}
