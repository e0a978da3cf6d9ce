// A container's life by a shim, call by call.

import * as assert from "uvu/assert";
import { STATUS } from "../../shim/proto/task.ts";
import { script } from "../support/bundle.ts";
import { isRunning } from "../support/process.ts";
import { withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

test("a container is created, started, waited for and deleted", async () => {
  const streams = clientStreams();
  const patch = { process: script("echo out; echo err >&2; exit 7") };
  await withShim({ patch }, async ({ id, tasks, create }) => {
    const { pid } = await create(streams.names);
    assert.is((await tasks.state({ id })).status, STATUS.created);
    const ending = tasks.wait({ id });
    assert.equal(await tasks.start({ id }), { pid });
    assert.is((await ending).exitStatus, 7);
    assert.is((await streams.stdout.ended).stdout, "out\n");
    assert.is((await streams.stderr.ended).stdout, "err\n");
    assert.is((await tasks.state({ id })).status, STATUS.stopped);
    const { exitStatus, exitedAt } = await tasks.delete({ id });
    assert.is(exitStatus, 7);
    const [exit] = await events.events(id, "/tasks/exit");
    assert.equal(exit, { containerId: id, id, pid, exitStatus, exitedAt });
    await events.events(id, "/tasks/delete");
    assert.equal(events.topics(id), ["create", "start", "exit", "delete"]);
  });
});

test("where nobody wants events, all goes its way, and the shim ends at once", async () => {
  const env = { TTRPC_ADDRESS: "" };
  await withShim(
    { patch: { process: script("exit 7") }, env },
    async ({ id, pid, tasks, create }) => {
      await create();
      await tasks.start({ id });
      assert.is((await tasks.wait({ id })).exitStatus, 7);
      assert.is((await tasks.delete({ id })).exitStatus, 7);
      await tasks.shutdown({ id });
      await waitUntil("its end", () => !isRunning(pid), 1_000);
      assert.equal(events.received(id), []);
    },
  );
});

runTests({ atEnd: async () => events.stop() });
