// What goes wrong around a shim: its machine is full, its input is wrong, its containers are too many.
// The error is that of one call; the shim lives, and the pod's other containers notice nothing.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { encode } from "../../shim/proto/encode.ts";
import { RuncOptions } from "../../shim/proto/options.ts";
import { STATUS } from "../../shim/proto/task.ts";
import { script } from "../support/bundle.ts";
import { isRunning, readProc } from "../support/process.ts";
import { startProgram } from "../support/program.ts";
import { freshDirectory, room } from "../support/room.ts";
import { type Shim, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec, startExec } from "../support/shim-exec.ts";
import { runTests, test } from "../support/suite.ts";
import { connectTasks } from "../support/task-client.ts";
import { waitUntil } from "../support/wait.ts";

let events = receiveEvents();

const SIGKILL = 9;
const endless = { process: script("while :; do sleep 1; done") };
const AT_ONCE_MS = 50;

/** Lets a test use a second container of a pod whose first runs, and looks at the first afterwards. */
async function besideAnother(
  patch: Parameters<typeof withShim>[0]["patch"],
  use: (shim: Shim, other: Shim) => Promise<void>,
): Promise<void> {
  await withShim({ patch: endless }, async (other) => {
    await other.create();
    await other.tasks.start({ id: other.id });
    const annotations = { "io.kubernetes.cri.sandbox-id": other.id };
    await withShim({ patch: { ...patch, annotations } }, async (shim) => {
      assert.is(shim.pid, other.pid);
      await use(shim, other);
    });
    assert.is((await other.tasks.state({ id: other.id })).status, STATUS.running);
    const place = { id: other.id, execId: "after" };
    await startExec(other.tasks, place, ["true"]);
    assert.is((await other.tasks.wait(place)).exitStatus, 0);
    const exits = await events.events(other.id, "/tasks/exit");
    assert.not(exits.some((exit) => exit.id === other.id));
  });
}

async function refusal(call: Promise<unknown>): Promise<string> {
  return await call.then(
    () => "it succeeded",
    (error: unknown) => String(error),
  );
}

/** How long one call of State takes. */
async function stateMs({ tasks, id }: Shim): Promise<number> {
  const startedMs = performance.now();
  await tasks.state({ id });
  return performance.now() - startedMs;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? 0;
}

/** Pids of the children of a process that nobody has reaped. */
function childrenOf(pid: number): number[] {
  return readProc(pid, `task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

test("an id or a configuration that is missing or wrong is an error, and the next one counts", async () => {
  const rootfs = [{ type: "tmpfs", source: "tmpfs", target: "", options: [] }];
  await besideAnother(endless, async ({ id, bundle, tasks, create }) => {
    const file = join(bundle, "config.json");
    const good = readFileSync(file, "utf8");
    for (const wrong of ["", "..", "../../x", "a/b", "a\n", "x".repeat(2000)]) {
      assert.match(await refusal(tasks.create({ id: wrong, bundle })), /invalid container ID/);
    }
    for (const [text, message] of [
      [undefined, /config\.json.*no such file or directory/s],
      ["", /config\.json/],
      [good.slice(0, -10), /config\.json/],
      [good.replace('"args"', '"arguments"'), /args/],
      [good.replace(/"path": "[^"]*"/, '"path": "/no/such/root"'), /no\/such\/root/],
    ] as const) {
      if (text === undefined) unlinkSync(file);
      else writeFileSync(file, text);
      const answer = await refusal(create({ rootfs }));
      assert.match(answer, /^CallError: OCI runtime create failed: /);
      assert.match(answer, message);
      assert.match(await refusal(tasks.state({ id })), /not created/);
      assert.not.ok(existsSync(join(room.shimRoot, "default", id)));
      assert.not.ok(readProc("self", "mountinfo").includes(`${bundle}/rootfs`));
      assert.not.ok(existsSync(join(bundle, "runt.json")));
    }
    writeFileSync(file, good);
    await create();
  });
});

test("ten thousand children end with their container, and the shim has time for others", async () => {
  const ofHostPids = [{ type: "mount" }, { type: "ipc" }, { type: "uts" }, { type: "network" }];
  for (const { count, namespaces } of [
    { count: 2_000, namespaces: [...ofHostPids, { type: "pid" }] },
    // These are the shim's to kill and to reap.
    { count: 10_000, namespaces: ofHostPids },
  ]) {
    const text = `mkfifo /dev/never; i=0
      while [ $i -lt ${count} ]; do : < /dev/never & i=$((i+1)); done; while :; do sleep 1; done`;
    const patch = { process: script(text), linux: { namespaces } };
    await besideAnother(patch, async ({ id, pid, tasks, create }, other) => {
      await create();
      await tasks.start({ id });
      const listed = async () => (await tasks.pids({ id })).processes.length;
      await waitUntil("all children", async () => (await listed()) > count, 60_000);
      const times: number[] = [];
      const processorMs = () => Number(readProc(pid, "schedstat").split(" ")[0]) / 1_000_000;
      let isOver = false;
      const waiting = tasks.wait({ id }).finally(() => {
        isOver = true;
      });
      const killing = tasks.kill({ id, signal: SIGKILL });
      while (!isOver) {
        const before = processorMs();
        await other.tasks.state({ id: other.id });
        times.push(processorMs() - before);
      }
      await killing;
      assert.is((await waiting).exitStatus, 137);
      await waitUntil("reaping", () => childrenOf(pid).length === 1, 20_000);
      // So many that die at once take the processors away; the shim does not take its time as well.
      assert.ok(Math.max(...times) < AT_ONCE_MS, `${times.join()} ms`);
      assert.is((await tasks.delete({ id })).exitStatus, 137);
    });
  }
});

test("a container that has all the processes it may have takes no exec, and is killed", async () => {
  const limit = 4;
  const text = "mkfifo /dev/never; for i in 1 2 3; do : < /dev/never & done; : < /dev/never";
  await besideAnother({ process: script(text) }, async ({ id, pid, tasks, create }) => {
    await create();
    await tasks.start({ id });
    const listed = async () => (await tasks.pids({ id })).processes.length;
    await waitUntil("its processes", async () => (await listed()) === limit);
    const value = Buffer.from(JSON.stringify({ pids: { limit } }));
    await tasks.update({ id, resources: { typeUrl: "any", value } });
    for (const terminal of [false, true]) {
      const place = { id, execId: `e${terminal}` };
      await tasks.exec({ ...place, terminal, spec: processSpec(["true"]) });
      assert.match(await refusal(tasks.start(place)), /OCI runtime exec failed: ./);
      await tasks.delete(place);
    }
    assert.is(await listed(), limit);
    await tasks.kill({ id, signal: SIGKILL });
    await tasks.wait({ id });
    await tasks.delete({ id });
    await waitUntil("reaping", () => childrenOf(pid).length === 1);
  });
});

test("whoever waits is told, however many they are; who has left is forgotten", async () => {
  await besideAnother(endless, async ({ id, pid, socket, tasks, create }, other) => {
    await create();
    const execId = "e";
    await tasks.exec({ id, execId, spec: processSpec(["sleep", "1000"]) });
    const clients = await Promise.all(Array.from({ length: 4 }, () => connectTasks(socket)));
    const waits = clients.map((client) =>
      Array.from({ length: 500 }, (_, index) =>
        client.wait({ id, execId: index % 2 === 0 ? "" : execId }).catch(String),
      ),
    );
    const told = async (): Promise<string> => {
      const before = other.log().length;
      process.kill(pid, "SIGUSR1");
      return await waitUntil("the shim's state", () => {
        const text = other.log().slice(before);
        return /msg="shim".*\n/.test(text) && text;
      });
    };
    await waitUntil("all calls", async () => /calls=2000 /.test(await told()));
    for (const { client } of clients.slice(2)) client.close();
    await waitUntil("those who stay", async () => /calls=1000 /.test(await told()));
    await tasks.start({ id });
    await tasks.start({ id, execId });
    await tasks.kill({ id, signal: SIGKILL });
    const answers = await Promise.all(waits.slice(0, 2).flat());
    const exits = answers.map((answer) =>
      typeof answer === "string" ? answer : answer.exitStatus,
    );
    assert.equal(new Set(exits), new Set([137]));
    assert.match(await told(), /calls=0 /);
    for (const { client } of clients) client.close();
  });
});

test("a long queue is told in order over restarts of containerd, and nothing of it is lost", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    await events.events(id, "/tasks/start");
    const parts: string[][] = [];
    const numbers = Array.from({ length: 60 }, (_, index) => `number-${index}`);
    const leave = (): void => {
      const received = events.received(id).filter(({ topic }) => topic.startsWith("/tasks/ex"));
      parts.push(received.map(({ topic, value }) => `${topic} ${execIn(value)}`));
      events.stop();
    };
    leave();
    for (const execId of numbers) {
      await startExec(tasks, { id, execId }, ["true"]);
      await tasks.wait({ id, execId });
    }
    for (const count of [10, 50, 180]) {
      events = receiveEvents();
      if (count === 50) events.answering = undefined;
      await waitUntil("some events", () => {
        if (count === 50) return events.received(id).length > 0;
        return parts.flat().length + events.received(id).length >= count;
      });
      leave();
    }
    events = receiveEvents();
    const topics = ["/tasks/exec-added", "/tasks/exec-started", "/tasks/exit"];
    const expected = numbers.flatMap((number) => topics.map((topic) => `${topic} ${number}`));
    // What a containerd had and has not answered, the next one is told as well: it knows nothing of it.
    const told = parts.flatMap((part, index) => {
      const next = parts.slice(index + 1).find(({ length }) => length > 0)?.[0];
      return part.at(-1) === next ? part.slice(0, -1) : part;
    });
    assert.equal(told, expected);
  });
});

/** The id of an exec in an event's message. */
function execIn(value: Uint8Array): string {
  return /number-\d+/.exec(Buffer.from(value).toString())?.[0] ?? "";
}

/** Calls, and keeps the worker waiting in the middle of its work, for the lock on the container. */
async function withWaitingWorker<T>(
  { id, pid }: Shim,
  call: () => Promise<T>,
  use: (worker: number) => Promise<void>,
): Promise<string | T> {
  const workers = (): number[] =>
    childrenOf(pid).filter((child) => readProc(child, "comm") === readProc(pid, "comm"));
  await waitUntil("no worker", () => workers().length === 0);
  const folder = join(room.shimRoot, "default", id);
  const lock = `exec 9< ${folder}; flock 9; echo; exec sleep 60`;
  const locker = startProgram(["sh", "-c", lock], { limitMs: 60_000 });
  try {
    await waitUntil("the lock", () => locker.stdout() !== "");
    const answer = call().catch(String);
    const worker = await waitUntil("a worker", () => workers()[0]);
    const waiting = new RegExp(`-> FLOCK .* ${worker} `);
    await waitUntil("its waiting", () => waiting.test(readFileSync("/proc/locks", "utf8")));
    await use(worker);
    locker.kill("SIGKILL");
    return await answer;
  } finally {
    locker.kill("SIGKILL");
  }
}

const resources = { typeUrl: "any", value: Buffer.from('{"pids":{"limit":50}}') };

/** Calls that a worker does, in an order in which they go well; before the last init has to end. */
function changesOf({ id, tasks }: Shim) {
  return [
    ["Update", () => tasks.update({ id, resources })],
    ["Pause", () => tasks.pause({ id })],
    ["Resume", () => tasks.resume({ id })],
    ["Delete", () => tasks.delete({ id })],
  ] as const;
}

async function ended({ id, tasks }: Shim): Promise<void> {
  await tasks.kill({ id, signal: SIGKILL });
  await tasks.wait({ id });
}

test("while one container is changed, frozen or deleted, State answers at once", async () => {
  await besideAnother(endless, async (shim, other) => {
    const { id, tasks, create } = shim;
    await create();
    await tasks.start({ id });
    for (const [name, call] of changesOf(shim)) {
      if (name === "Delete") await ended(shim);
      const answer = await withWaitingWorker(shim, call, async () => {
        const times: number[] = [];
        for (let count = 0; count < 9; count++) {
          times.push(await stateMs(shim), await stateMs(other));
        }
        assert.ok(median(times) < AT_ONCE_MS, `${name}: ${times.join()} ms`);
        const place = { id: other.id, execId: name };
        await startExec(other.tasks, place, ["true"]);
        assert.is((await other.tasks.wait(place)).exitStatus, 0);
      });
      assert.type(answer, "object", `${name}: ${answer}`);
    }
    assert.match(await refusal(tasks.state({ id })), /not created/);
  });
});

test("a worker that is killed is an error of its call, which goes well the next time", async () => {
  await besideAnother(endless, async (shim) => {
    const { id, tasks, create } = shim;
    await create();
    await tasks.start({ id });
    for (const [name, call] of changesOf(shim)) {
      if (name === "Delete") await ended(shim);
      const answer = await withWaitingWorker(shim, call, async (worker) => {
        process.kill(worker, "SIGKILL");
        await waitUntil("its end", () => !isRunning(worker));
      });
      assert.match(String(answer), /: the worker ended with 137 and told nothing/, name);
      await call();
    }
  });
});

test("an init that stands still holds up its own Start alone, and can be killed", async () => {
  await besideAnother(endless, async (shim, other) => {
    const { id, tasks, create } = shim;
    const { pid } = await create();
    process.kill(pid, "SIGSTOP");
    const starting = refusal(tasks.start({ id }));
    const times: number[] = [];
    for (let count = 0; count < 9; count++) times.push(await stateMs(shim), await stateMs(other));
    assert.ok(median(times) < AT_ONCE_MS, `${times.join()} ms`);
    assert.is((await tasks.state({ id })).status, STATUS.created);
    await tasks.kill({ id, signal: SIGKILL });
    assert.match(await starting, /OCI runtime start failed: ./);
    assert.is((await tasks.wait({ id })).exitStatus, 137);
    assert.is((await tasks.delete({ id })).exitStatus, 137);
  });
});

test("whoever is killed while a container is made, Create says so, and nothing is left", async () => {
  const rootfs = [{ type: "tmpfs", source: "tmpfs", target: "", options: [] }];
  await besideAnother(endless, async ({ id, pid, bundle, tasks, create }, other) => {
    const { pid: init } = await other.tasks.state({ id: other.id });
    await waitUntil("no worker", () => childrenOf(pid).length === 1);
    const held = readdirSync(`/proc/${pid}/fd`).length;
    let failed = 0;
    for (let round = 0; round < 40; round++) {
      const making = create({ rootfs }).then(() => undefined, String);
      await killChild(pid, init, round * 0.4);
      const answer = await making;
      if (answer === undefined) {
        await tasks.kill({ id, signal: SIGKILL, all: true });
        await tasks.wait({ id });
        await tasks.delete({ id });
      } else {
        failed++;
        assert.match(answer, /OCI runtime create failed: ./);
      }
      assert.not.ok(existsSync(join(room.shimRoot, "default", id)));
      assert.not.ok(readProc("self", "mountinfo").includes(`${bundle}/rootfs`));
      await waitUntil("the end of all it made", () => childrenOf(pid).join() === `${init}`);
    }
    assert.ok(failed > 5, `${failed} failed`);
    await waitUntil(`${held} descriptors`, () => readdirSync(`/proc/${pid}/fd`).length <= held);
  });
});

test("whoever is killed while a container is deleted, nothing is left", async () => {
  const rootfs = [{ type: "tmpfs", source: "tmpfs", target: "", options: [] }];
  await besideAnother(endless, async ({ id, pid, bundle, tasks, create }, other) => {
    const { pid: init } = await other.tasks.state({ id: other.id });
    for (let round = 0; round < 20; round++) {
      await create({ rootfs });
      await tasks.kill({ id, signal: SIGKILL });
      await tasks.wait({ id });
      await waitUntil("nobody else", () => childrenOf(pid).length === 1);
      const deleting = tasks.delete({ id }).then(() => undefined, String);
      await killChild(pid, init, round * 0.1);
      const answer = await deleting;
      if (answer !== undefined) {
        assert.match(answer, /OCI runtime delete failed: the worker ended with 137/);
        await tasks.delete({ id });
      }
      assert.not.ok(existsSync(join(room.shimRoot, "default", id)));
      assert.not.ok(readProc("self", "mountinfo").includes(`${bundle}/rootfs`));
    }
  });
});

/** Kills the first child but one, after a moment. */
async function killChild(shim: number, spared: number, delayMs: number): Promise<void> {
  const endMs = performance.now() + 100;
  let child: number | undefined;
  while (child === undefined && performance.now() < endMs) {
    child = childrenOf(shim).find((pid) => pid !== spared);
  }
  const killMs = performance.now() + delayMs;
  while (performance.now() < killMs);
  if (child !== undefined) tryKill(child);
}

/** It may be gone. */
function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

test("a full disk below the state is an error of Create; who runs already goes on", async () => {
  const state = freshDirectory();
  const mount = (size: string): void => {
    const words = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", state];
    assert.is(Bun.spawnSync(words).exitCode, 0);
  };
  mount("size=8k,mode=700");
  try {
    await besideAnother(endless, async ({ id, tasks, create }) => {
      const root = { root: state };
      const options = { typeUrl: RuncOptions.name, value: encode(RuncOptions, root) };
      const answer = await refusal(create({ options }));
      assert.match(answer, /OCI runtime create failed: .*no space left on device/);
      assert.not.ok(existsSync(join(state, "default", id)));
      mount("remount,size=1m");
      await create({ options });
      Bun.spawnSync(["dd", "if=/dev/zero", `of=${state}/rest`], { stderr: "ignore" });
      const execId = "e";
      await tasks.start({ id });
      await startExec(tasks, { id, execId }, ["true"]);
      assert.is((await tasks.wait({ id, execId })).exitStatus, 0);
      await tasks.pause({ id });
      await tasks.resume({ id });
      await tasks.kill({ id, signal: SIGKILL });
      assert.is((await tasks.wait({ id })).exitStatus, 137);
      await tasks.delete({ id });
    });
  } finally {
    Bun.spawnSync(["umount", "-l", state]);
  }
});

test("without descriptors calls are refused, and go well when there are some again", async () => {
  await besideAnother(endless, async (shim) => {
    const { pid } = shim;
    const open = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const limit = (count: number | string): void => {
      const words = ["prlimit", `--pid=${pid}`, `--nofile=${count}:`];
      assert.is(Bun.spawnSync(words).exitCode, 0);
    };
    const held = open();
    const before = /Max open files\s+(\d+)/.exec(readProc(pid, "limits"))?.[1] ?? "";
    const refused = await untilNothingIsMissing(shim, {
      reason: /too many open files/,
      take: (more) => limit(open() + more),
      giveBack: () => limit(before),
    });
    assert.ok(refused > 5, `${refused} calls`);
    await shim.tasks.delete({ id: shim.id });
    await waitUntil(`descriptors of ${held}`, () => open() <= held);
  });
});

test("without processes calls are refused, and go well when there are some again", async () => {
  const isUnified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const hierarchy = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
  const cgroup = join(hierarchy, `${room.prefix}-few`);
  if (isUnified) writeFileSync(join(hierarchy, "cgroup.subtree_control"), "+pids");
  mkdirSync(cgroup);
  const limit = (count: number | string): void =>
    writeFileSync(join(cgroup, "pids.max"), `${count}`);
  try {
    // Elsewhere: only the shim has few.
    const linux = { cgroupsPath: `/${room.prefix}-many` };
    await besideAnother({ ...endless, linux }, async (shim) => {
      writeFileSync(join(cgroup, "cgroup.procs"), `${shim.pid}`);
      const refused = await untilNothingIsMissing(shim, {
        reason: /temporarily unavailable|told nothing/,
        take: (more) => limit(1 + more),
        giveBack: () => limit("max"),
      });
      assert.ok(refused > 2, `${refused} calls`);
      await shim.tasks.delete({ id: shim.id });
    });
  } finally {
    await waitUntil(
      "an empty cgroup",
      () => readFileSync(join(cgroup, "cgroup.procs"), "utf8") === "",
    );
    rmdirSync(cgroup);
  }
});

interface Shortage {
  reason: RegExp;
  /** Leaves the shim so many more. */
  take(more: number): void;
  giveBack(): void;
}

/** Has a container made, execute and end with ever more of something; returns how many calls failed. */
async function untilNothingIsMissing(
  { id, tasks, create }: Shim,
  { reason, take, giveBack }: Shortage,
): Promise<number> {
  let refused = 0;
  const attempt = async (call: () => Promise<unknown>): Promise<void> => {
    for (let more = 0; ; more++) {
      take(more);
      const answer = await call().then(() => undefined, String);
      giveBack();
      if (answer === undefined) return;
      assert.match(answer, reason);
      refused++;
    }
  };
  await attempt(() => create());
  await attempt(() => tasks.start({ id }));
  for (const terminal of [false, true]) {
    let count = 0;
    await attempt(async () => {
      const place = { id, execId: `e${terminal}${count++}` };
      await tasks.exec({ ...place, terminal, spec: processSpec(["true"]) });
      await tasks.start(place);
      assert.is((await tasks.wait(place)).exitStatus, 0);
    });
  }
  await attempt(() => tasks.pause({ id }));
  await attempt(() => tasks.resume({ id }));
  await attempt(() => tasks.kill({ id, signal: SIGKILL, all: true }));
  assert.is((await tasks.wait({ id })).exitStatus, 137);
  return refused;
}

runTests({ atEnd: async () => events.stop() });
