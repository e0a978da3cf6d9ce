// `delete` of the shim: after every ordinary Delete, and when the shim was killed or cannot be reached.

import { existsSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { decode } from "../../shim/proto/decode.ts";
import { DeleteResponse, STATUS } from "../../shim/proto/task.ts";
import { bundle, script } from "../support/bundle.ts";
import { hookFolder } from "../support/hook.ts";
import { isRunning } from "../support/process.ts";
import { freshName, room } from "../support/room.ts";
import { runShim, type Shim, shimWords, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();
const KILLED = 137;
const endless = { process: script("while :; do sleep 1; done") };
const ending = { process: script("exit 7") };

test("after an ordinary Delete it has nothing to do, however often it is run", async () => {
  await withShim({ patch: ending }, async (shim) => {
    await runToEnd(shim);
    await shim.tasks.delete({ id: shim.id });
    await shim.tasks.shutdown({ id: shim.id });
    for (const flags of [[], ["-debug"]]) {
      const { pid, exitStatus } = await deleteOf(shim, ...flags);
      assert.equal({ pid, exitStatus }, { pid: 0, exitStatus: KILLED });
    }
  });
  const never = { id: freshName(), bundle: bundle() };
  assert.is((await deleteOf(never)).pid, 0);
});

test("of a container whose end was recorded it tells that end, again and again", async () => {
  await withShim({ patch: ending }, async (shim) => {
    const { pid, exitedAt } = await runToEnd(shim);
    await kill(shim);
    for (let round = 0; round < 2; round++) {
      const { exitStatus, exitedAt: told, pid: toldPid } = await deleteOf(shim);
      assert.equal({ toldPid, exitStatus, told }, { toldPid: pid, exitStatus: 7, told: exitedAt });
      assert.not.ok(existsSync(join(room.shimRoot, "default", shim.id)));
    }
  });
});

test("a container that outlives its shim is ended, with its mounts, and tells it was killed", async () => {
  await withShim({ patch: endless }, async (shim) => {
    const { id, bundle, tasks, create } = shim;
    mkdirSync(join(bundle, "rootfs/inner"), { recursive: true });
    const { pid } = await create({
      rootfs: [{ type: "tmpfs", source: "tmpfs", target: "", options: [] }],
    });
    await tasks.start({ id });
    await kill(shim);
    assert.ok(isRunning(pid));
    assert.match(readFileSync("/proc/self/mountinfo", "utf8"), `${bundle}/rootfs`);
    const { exitStatus, pid: told } = await deleteOf(shim);
    assert.equal({ told, exitStatus }, { told: pid, exitStatus: KILLED });
    assert.not.ok(isRunning(pid));
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), `${bundle}/rootfs`);
    assert.not.ok(existsSync(shim.socket), "the socket of the shim that was killed");
  });
});

test("of a container that was half made nothing is left", async () => {
  const hooks = hookFolder();
  const path = hooks.add("slow", "touch $DIR/here; sleep 100");
  await withShim({ patch: { hooks: { createRuntime: [{ path }] } } }, async (shim) => {
    const creating = shim.create().catch((error: unknown) => error);
    await waitUntil("the hook", () => hooks.read("here") !== undefined);
    await kill(shim);
    await creating;
    assert.is((await deleteOf(shim)).exitStatus, KILLED);
    assert.not.ok(existsSync(join(room.shimRoot, "default", shim.id)));
  });
});

test("whenever a shim is killed, nothing is left, and an end that was recorded is told", async () => {
  for (let round = 0; round < 10; round++) {
    const patch = { process: script(`sleep 0.0${round % 3}; exit 7`) };
    await withShim({ patch }, async (shim) => {
      const { id, bundle, tasks, create } = shim;
      mkdirSync(join(bundle, "rootfs"));
      const rootfs = [{ type: "tmpfs", source: "tmpfs", target: "", options: [] }];
      const execId = "e";
      const life = async (): Promise<void> => {
        await create({ rootfs });
        await tasks.start({ id });
        await tasks.exec({ id, execId, spec: processSpec(["sleep", "1000"]) });
        await tasks.start({ id, execId });
        await tasks.wait({ id });
      };
      const living = life().catch(String);
      await Bun.sleep(round * 12);
      await kill(shim);
      await living;
      const record = join(bundle, "runt.json");
      const isRecorded = existsSync(record) && readFileSync(record, "utf8").includes("exit");
      assert.is((await deleteOf(shim)).exitStatus, isRecorded ? 7 : KILLED);
      assert.not.ok(existsSync(join(room.shimRoot, "default", id)));
      assert.not.ok(readFileSync("/proc/self/mountinfo", "utf8").includes(bundle));
    });
  }
});

test("a hook that fails says nothing where containerd would take it for trouble", async () => {
  const path = hookFolder().add("failing", "echo no >&2; exit 1");
  await withShim({ patch: { ...ending, hooks: { poststop: [{ path }] } } }, async (shim) => {
    await runToEnd(shim);
    await kill(shim);
    assert.is((await deleteOf(shim)).exitStatus, 7);
    assert.match(shim.log(), /level=warning msg="[^\n]*poststop/);
  });
});

test("a shim that lives is asked to end and delete the container; others of the pod go on", async () => {
  const patch = { ...endless, annotations: { "io.kubernetes.cri.sandbox-id": freshName() } };
  await withShim({ patch }, async (pause) => {
    await runUntilStarted(pause);
    await withShim({ patch }, async (other) => {
      const { pid } = await runUntilStarted(other);
      const { pid: told, exitStatus } = await deleteOf(other);
      assert.equal({ told, exitStatus }, { told: pid, exitStatus: KILLED });
      assert.not.ok(isRunning(pid));
      assert.is((await deleteOf(other)).pid, 0);
      assert.is((await pause.tasks.state({ id: pause.id })).status, STATUS.running);
    });
  });
});

test("of a container that containerd 2 has added to a pod itself, the pod's shim is asked", async () => {
  const patch = { ...endless, annotations: { "io.kubernetes.cri.sandbox-id": freshName() } };
  await withShim({ patch }, async (pause) => {
    await runUntilStarted(pause);
    await withShim({ patch }, async (other) => {
      const { pid } = await runUntilStarted(other);
      // What containerd has there instead of what `start` writes.
      unlinkSync(join(other.bundle, "address"));
      const bootstrap = { version: 3, address: `unix://${other.socket}`, protocol: "ttrpc" };
      writeFileSync(join(other.bundle, "bootstrap.json"), JSON.stringify(bootstrap));
      assert.is((await deleteOf(other)).pid, pid);
      const gone = await other.tasks.state({ id: other.id }).catch(String);
      assert.match(String(gone), /not created/);
      assert.is((await pause.tasks.state({ id: pause.id })).status, STATUS.running);
    });
  });
});

test("of a container that was deleted nothing is there to make its delete slow", async () => {
  const patch = { ...ending, annotations: { "io.kubernetes.cri.sandbox-id": freshName() } };
  const left = ({ bundle }: Shim) =>
    ["address", "runt.json"].filter((name) => existsSync(join(bundle, name)));
  await withShim({ patch }, async (first) => {
    await runToEnd(first);
    await withShim({ patch }, async (second) => {
      await runToEnd(second);
      assert.equal(left(second), ["address", "runt.json"]);
      await first.tasks.delete({ id: first.id });
      assert.equal(left(first), []);
      await second.tasks.delete({ id: second.id });
      await second.tasks.shutdown({ id: second.id });
      assert.equal(left(second), []);
    });
  });
});

test("a shim that lives without any other container ends", async () => {
  await withShim({}, async (unused) => {
    assert.is((await deleteOf(unused)).pid, 0);
    await waitUntil("its end", () => !isRunning(unused.pid));
    assert.not.ok(existsSync(unused.socket));
  });
  await withShim({ patch: ending }, async (ended) => {
    const { pid } = await runToEnd(ended);
    await ended.tasks.shutdown({ id: ended.id });
    assert.ok(isRunning(ended.pid), "it still has a container");
    const { pid: told, exitStatus } = await deleteOf(ended);
    assert.equal({ told, exitStatus }, { told: pid, exitStatus: 7 });
    await waitUntil("its end", () => !isRunning(ended.pid));
  });
});

test("a shim that does not answer keeps nobody from deleting its container", async () => {
  await withShim({ patch: endless }, async (shim) => {
    const { pid } = await runUntilStarted(shim);
    process.kill(shim.pid, "SIGSTOP");
    try {
      const { pid: told, exitStatus } = await deleteOf(shim);
      assert.equal({ told, exitStatus }, { told: pid, exitStatus: KILLED });
      assert.match(shim.log(), /the shim did not answer Kill/);
    } finally {
      process.kill(shim.pid, "SIGCONT");
    }
  });
});

runTests({ atEnd: async () => events.stop() });

async function deleteOf({ id, bundle }: Pick<Shim, "id" | "bundle">, ...flags: string[]) {
  const words = shimWords(id, "-bundle", bundle, ...flags, "delete");
  const { code, stdout, stderr } = await runShim(words, { bundle });
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
  return decode(DeleteResponse, stdout);
}

async function runUntilStarted({ id, tasks, create }: Shim): Promise<{ pid: number }> {
  const { pid } = await create();
  await tasks.start({ id });
  return { pid };
}

async function runToEnd(shim: Shim) {
  const { pid } = await runUntilStarted(shim);
  const { exitedAt } = await shim.tasks.wait({ id: shim.id });
  return { pid, exitedAt };
}

async function kill({ pid }: Shim): Promise<void> {
  process.kill(pid, "SIGKILL");
  await waitUntil("end of the shim", () => !isRunning(pid));
}
