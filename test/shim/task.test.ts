// The Task service, method by method: states, codes and texts that clients of the reference shim
// rely on.

import * as assert from "uvu/assert";
import { encode } from "../../shim/proto/encode.ts";
import { RuncOptions } from "../../shim/proto/options.ts";
import { STATUS } from "../../shim/proto/task.ts";
import { CODES, type Code } from "../../shim/ttrpc/status.ts";
import { script } from "../support/bundle.ts";
import { hookFolder } from "../support/hook.ts";
import { freshName } from "../support/room.ts";
import { namespace, type Shim, shimOptions, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec, startExec } from "../support/shim-exec.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { CallError } from "../support/ttrpc-client.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

const SIGUSR1 = 10;
const SIGTERM = 15;
const SIGKILL = 9;
const endless = { process: script("while :; do sleep 1; done") };

async function refused(call: Promise<unknown>, code: Code, text: RegExp): Promise<void> {
  const answer = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(answer instanceof CallError)) throw new Error(`no refusal: ${answer}`);
  assert.match(answer.message, text);
  assert.is(answer.code, CODES[code], answer.message);
}

async function end({ tasks, id }: Pick<Shim, "tasks" | "id">): Promise<number> {
  await tasks.kill({ id, signal: SIGKILL });
  return (await tasks.wait({ id })).exitStatus;
}

test("what is not there is not found, except by Connect and Shutdown", async () => {
  await withShim({ patch: endless }, async ({ id, pid, tasks, create }) => {
    const calls: Promise<unknown>[] = [
      tasks.state({ id }),
      tasks.start({ id }),
      tasks.delete({ id }),
      tasks.pids({ id }),
      tasks.pause({ id }),
      tasks.resume({ id }),
      tasks.kill({ id, signal: SIGTERM }),
      tasks.exec({ id, execId: "e", spec: processSpec(["true"]) }),
      tasks.resizePty({ id, width: 80, height: 25 }),
      tasks.closeIO({ id, stdin: true }),
      tasks.update({ id }),
      tasks.wait({ id }),
      tasks.stats({ id }),
    ];
    for (const call of calls) await refused(call, "not found", /^container not created/);
    assert.equal(await tasks.connect({ id }), { shimPid: pid, taskPid: 0, version: "" });
    const made = await create();
    assert.is((await tasks.connect({ id })).taskPid, made.pid);
    await refused(tasks.state({ id, execId: "e" }), "not found", /^process does not exist e/);
    await refused(tasks.kill({ id, execId: "e", signal: 9 }), "not found", /does not exist/);
    await refused(create(), "already exists", /already exists/);
    await refused(
      tasks.exec({ id, spec: processSpec(["true"]) }),
      "invalid argument",
      /without an id/,
    );
    await refused(tasks.checkpoint({ id, path: "/tmp" }), "unimplemented", /checkpoint/);
    await tasks.shutdown({ id });
    assert.is((await tasks.state({ id })).pid, made.pid, "the shim stays while it has a container");
  });
});

test("each state refuses what it cannot do, in the words that clients know", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    const { pid } = await create();
    await refused(tasks.pause({ id }), "unknown", /cannot pause task in created state/);
    await refused(tasks.resume({ id }), "unknown", /cannot resume task in created state/);
    await tasks.start({ id });
    await refused(tasks.start({ id }), "unknown", /cannot start a running process/);
    await refused(tasks.delete({ id }), "unknown", /cannot delete a running process/);
    await refused(tasks.resume({ id }), "unknown", /cannot resume a running process/);
    await refused(tasks.kill({ id, signal: 99 }), "invalid argument", /99/);
    await tasks.pause({ id });
    const exec1 = { id, execId: "one" };
    assert.is((await tasks.state({ id })).status, STATUS.paused);
    await refused(tasks.start({ id }), "unknown", /cannot start a paused process/);
    await refused(tasks.pause({ id }), "unknown", /cannot pause a paused container/);
    await refused(tasks.delete({ id }), "unknown", /cannot delete a paused process/);
    await refused(tasks.exec({ ...exec1, spec: processSpec(["true"]) }), "unknown", /paused state/);
    await tasks.resume({ id });
    assert.is((await tasks.state({ id })).status, STATUS.running);
    await tasks.exec({ ...exec1, spec: processSpec(["sleep", "1000"]) });
    await refused(tasks.exec({ ...exec1, spec: processSpec(["true"]) }), "already exists", /one/);
    await refused(
      tasks.kill({ ...exec1, signal: 9 }),
      "failed precondition",
      /process not created/,
    );
    assert.is((await tasks.state(exec1)).status, STATUS.created);
    const started = await tasks.start(exec1);
    await refused(tasks.start(exec1), "unknown", /cannot start a running process/);
    await refused(tasks.delete(exec1), "unknown", /cannot delete a running process/);
    const state = await tasks.state(exec1);
    assert.equal([state.id, state.pid, state.status], ["one", started.pid, STATUS.running]);
    const { processes } = await tasks.pids({ id });
    const details = processes.map((one) => [one.pid, one.info?.typeUrl]);
    assert.ok(details.some(([one, info]) => one === pid && info === undefined));
    const mark = "containerd.runc.v1.ProcessDetails";
    assert.ok(details.some(([one, info]) => one === started.pid && info === mark));
    await tasks.kill({ ...exec1, signal: SIGKILL });
    assert.is((await tasks.wait(exec1)).exitStatus, 137);
    await refused(tasks.kill({ ...exec1, signal: 9 }), "not found", /process already finished/);
    await tasks.delete(exec1);
    await refused(tasks.delete(exec1), "not found", /process does not exist/);
    await tasks.exec({ id, execId: "never", spec: processSpec(["true"]) });
    const never = tasks.wait({ id, execId: "never" });
    assert.is(await end({ tasks, id }), 137);
    await refused(tasks.start({ id }), "unknown", /cannot start a stopped process/);
    await refused(tasks.pause({ id }), "unknown", /cannot pause a stopped container/);
    await refused(tasks.resume({ id }), "unknown", /cannot resume a stopped container/);
    await refused(tasks.update({ id }), "unknown", /cannot update a stopped container/);
    await refused(tasks.kill({ id, signal: 9 }), "not found", /process already finished/);
    assert.equal(await tasks.kill({ id, signal: 9, all: true }), {});
    assert.equal((await tasks.pids({ id })).processes, []);
    await refused(tasks.start({ id, execId: "never" }), "failed precondition", /not running/);
    await refused(tasks.exec({ ...exec1, spec: processSpec(["a"]) }), "unknown", /stopped state/);
    assert.is((await tasks.state({ id })).pid, pid);
    // Two who remove it at once get the same answer, and there is one event.
    const [first, second] = await Promise.all([tasks.delete({ id }), tasks.delete({ id })]);
    assert.equal(first, second);
    assert.is((await never).exitStatus, 0, "nobody waits for what will never be");
    await refused(tasks.delete({ id }), "not found", /container not created/);
    await events.events(id, "/tasks/delete");
    assert.equal(events.topics(id), [
      ...["create", "start", "paused", "resumed", "exec-added", "exec-started", "exit"],
      ...["exec-added", "exit", "delete"],
    ]);
  });
});

test("a container is killed and deleted in every state", async () => {
  await withShim({ patch: endless }, async (shim) => {
    const { id, tasks, create } = shim;
    const first = await create();
    const waiting = tasks.wait({ id });
    const deleted = await tasks.delete({ id });
    assert.equal([deleted.pid, deleted.exitStatus], [first.pid, 137], "created, never started");
    assert.is((await waiting).exitStatus, 137);

    await create();
    await end(shim);
    await tasks.delete({ id });

    await create();
    await tasks.start({ id });
    await tasks.pause({ id });
    assert.is(await end(shim), 137, "a paused one is thawed to die");
    assert.is((await tasks.state({ id })).status, STATUS.stopped);
    await tasks.delete({ id });

    await create();
    await tasks.start({ id });
    const sleeper = await startExec(tasks, { id, execId: "e" }, ["sleep", "1000"]);
    assert.ok(sleeper.pid > 0);
    await tasks.kill({ id, signal: SIGKILL, all: true });
    assert.is((await tasks.wait({ id, execId: "e" })).exitStatus, 137);
    await tasks.wait({ id });
    await tasks.delete({ id });
  });
});

test("an exec comes to a container that has not been started", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    const { pid } = await startExec(tasks, { id, execId: "early" }, ["sh", "-c", "exit 3"]);
    const { exitStatus } = await tasks.wait({ id, execId: "early" });
    assert.is(exitStatus, 3);
    const [exit] = await events.events(id, "/tasks/exit");
    assert.is(exit?.pid, pid);
    assert.is((await tasks.state({ id })).status, STATUS.created);
  });
});

test("an exec whose program is missing ends before it has begun", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    const place = { id, execId: "e" };
    const { names } = clientStreams();
    await tasks.exec({ ...place, ...names, spec: processSpec(["no-such-program"]) });
    const waiting = tasks.wait(place);
    const missing =
      /^OCI runtime exec failed: .*"no-such-program": executable file not found in \$PATH/;
    await refused(tasks.start(place), "unknown", missing);
    assert.is((await waiting).exitStatus, 0);
    const { pid, status } = await tasks.state(place);
    assert.equal([pid, status], [0, STATUS.stopped]);
    assert.is((await tasks.delete(place)).pid, 0);
    await refused(tasks.state(place), "not found", /process does not exist/);
    await tasks.exec({ ...place, spec: { typeUrl: "any", value: Buffer.from("{") } });
    await refused(tasks.start(place), "unknown", /JSON/);
    assert.not(events.topics(id).includes("exit"));
  });
});

test("a container whose program is missing says so, and ends", async () => {
  const patch = { process: { args: ["no-such-program"] } };
  await withShim({ patch }, async ({ id, tasks, create }) => {
    const reason = /"no-such-program": executable file not found in \$PATH/;
    const isCreated = await create().then(
      () => true,
      (error: unknown) => {
        assert.match(String(error), reason);
        return false;
      },
    );
    if (!isCreated) return;
    await refused(tasks.start({ id }), "unknown", reason);
    await tasks.wait({ id });
    await tasks.delete({ id });
    assert.equal(events.topics(id).slice(0, 2), ["create", "exit"]);
  });
});

test("an update changes the limits, and says what is wrong with them", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    const resources = (value: object) => ({
      id,
      resources: { typeUrl: "any", value: Buffer.from(JSON.stringify(value)) },
    });
    await tasks.update(resources({ pids: { limit: 77 } }));
    await refused(tasks.update(resources({ pids: { limit: "x" } })), "unknown", /limit/);
  });
});

test("State tells what Create and Exec were told, before the end and after it", async () => {
  await withShim({ patch: endless }, async ({ id, bundle, tasks, create }) => {
    const [streams, other] = [clientStreams({ stdin: true }), clientStreams()];
    const { pid } = await create(streams.names);
    const place = { id, execId: "e" };
    const trap = "trap 'exit 5' USR1; echo ready; while :; do sleep 0.1; done";
    await tasks.exec({ ...place, ...other.names, spec: processSpec(["sh", "-c", trap]) });
    const { exitedAt, ...before } = await tasks.state({ id });
    const common = { id, bundle, pid, ...streams.names, execId: "", exitStatus: 0 };
    assert.equal(before, { ...common, status: STATUS.created });
    assert.is(exitedAt, undefined);
    await tasks.start({ id });
    const started = await tasks.start(place);
    const { exitedAt: _, ...exec } = await tasks.state(place);
    const names = { id: "e", bundle, pid: started.pid, ...other.names, execId: "" };
    assert.equal(exec, { ...names, exitStatus: 0, status: STATUS.running });
    // Neither has a terminal, and one has no input: there is nothing to do.
    for (const one of [{ id }, place]) {
      assert.equal(await tasks.resizePty({ ...one, width: 80, height: 25 }), {});
      assert.equal(await tasks.closeIO({ ...one, stdin: true }), {});
    }
    await waitUntil("the trap", () => other.stdout.stdout() === "ready\n");
    // The shell that is init has no such trap, and the kernel spares it.
    await tasks.kill({ id, signal: SIGUSR1, all: true });
    assert.is((await tasks.wait(place)).exitStatus, 5);
    await refused(tasks.resizePty({ ...place, width: 80, height: 25 }), "unknown", /stopped/);
    const exit = await tasks.delete(place);
    assert.equal([exit.pid, exit.exitStatus], [started.pid, 5]);
    await end({ tasks, id });
    const after = await tasks.state({ id });
    const gone = { ...common, exitStatus: 137, status: STATUS.stopped };
    assert.equal(after, { ...gone, exitedAt: (await tasks.wait({ id })).exitedAt });
    await events.events(id, "/tasks/exit", 2);
    assert.equal(
      new Set(events.received(id).map((event) => event.namespace)),
      new Set([namespace]),
    );
  });
});

test("the options of runc's message do what they say", async () => {
  for (const [given, count, root] of [
    [{}, "1\n", "root.pivot"],
    [{ noNewKeyring: true, noPivotRoot: true }, "0\n", "root.move"],
  ] as const) {
    const id = freshName();
    const patch = { process: script(`grep -c _ses.${id}: /proc/keys`) };
    await withShim({ patch, id, debug: true }, async ({ tasks, create, log }) => {
      const value = encode(RuncOptions, { ...shimOptions, ...given });
      const options = { typeUrl: RuncOptions.name, value };
      const streams = clientStreams();
      await create({ ...streams.names, options });
      await tasks.start({ id });
      assert.is((await streams.stdout.ended).stdout, count);
      assert.match(log(), new RegExp(`level=debug msg="${root}" step=.* id=${id}\n`));
    });
  }
});

test("State of one container answers at once while a hook of another sleeps", async () => {
  const folder = hookFolder();
  const slow = folder.add("slow", "echo > $DIR/began; while [ ! -e $DIR/go ]; do sleep 0.1; done");
  await withShim({ patch: endless }, async (shim) => {
    const { id, tasks, create } = shim;
    await create();
    await tasks.start({ id });
    const hooks = { createRuntime: [{ path: slow }] };
    const annotations = { "io.kubernetes.cri.sandbox-id": id };
    await withShim({ patch: { ...endless, hooks, annotations } }, async (other) => {
      assert.is(other.pid, shim.pid);
      const creating = other.create();
      await waitUntil("the hook", () => folder.read("began") !== undefined);
      const startedMs = performance.now();
      for (let count = 0; count < 10; count++) await tasks.state({ id });
      const eachMs = (performance.now() - startedMs) / 10;
      assert.ok(eachMs < 50, `${eachMs} ms`);
      await refused(other.tasks.state({ id: other.id }), "not found", /not created/);
      await refused(other.create(), "already exists", /already exists/);
      // Who gives up waiting for Create asks for it to be deleted, which waits for it to be there.
      const deleting = other.tasks.delete({ id: other.id });
      folder.add("go", "");
      await creating;
      assert.is((await deleting).exitStatus, 137);
      await refused(other.tasks.state({ id: other.id }), "not found", /not created/);
    });
  });
});

test("a bundle without a configuration, options that are nonsense, fifos that are not there", async () => {
  await withShim({}, async ({ id, tasks, create, bundle }) => {
    const options = {
      typeUrl: "runtimeoptions.v1.Options",
      value: Buffer.concat([Buffer.from([0x1a, 4]), Buffer.from("=?[]")]),
    };
    await refused(create({ options }), "invalid argument", /options/);
    const stdout = `${bundle}/no/such/fifo`;
    await refused(create({ stdout }), "unknown", /no such file or directory/);
    await refused(tasks.create({ id, bundle: "/no/such/bundle" }), "unknown", /config\.json/);
    await refused(create({ stdout: "gopher://x" }), "unknown", /unknown STDIO scheme gopher/);
    await create();
  });
});

runTests({ atEnd: async () => events.stop() });
