// What processes that a shim makes have open: their own streams. Nothing of the shim's, which has all
// that its containers and clients have.

import { readdirSync, readlinkSync } from "node:fs";
import * as assert from "uvu/assert";
import { inUserNamespace, type Patch } from "../support/bundle.ts";
import { readProc } from "../support/process.ts";
import { withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { idle } from "../support/shim-neighbour.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

/** What a process has open, by its numbers. */
function openIn(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    const name = readlinkSync(`/proc/${pid}/fd/${fd}`);
    return `${fd} ${name.startsWith("/dev/pts/") ? "terminal" : name}`;
  });
}

/** Mounts that something is open in, by a process's descriptors from 3 up, but for sockets. */
function mountsOpenIn(pid: number): (string | undefined)[] {
  return openIn(pid)
    .slice(3)
    .filter((line) => !/ (socket:|\/memfd:runt-recorder)/.test(line))
    .map((line) => /mnt_id:\t(\d+)/.exec(readProc(pid, `fdinfo/${line.split(" ")[0]}`))?.[1]);
}

for (const [where, linux] of Object.entries<Patch>({ host: {}, mapped: inUserNamespace })) {
  test(`with ${where} ids a program has three descriptors, and init waits with nothing of the host's`, async () => {
    for (const terminal of [false, true]) {
      const patch = { linux, process: { ...idle.process, terminal } };
      await withShim({ patch }, async ({ id, tasks, create }) => {
        const streams = clientStreams({ stdin: true, terminal });
        const { stdin, stdout, stderr } = streams.names;
        const three = (terminal ? Array(3).fill("terminal") : [stdin, stdout, stderr]).map(
          (name, fd) => `${fd} ${name}`,
        );
        const { pid } = await create(streams.names);
        assert.equal(openIn(pid).slice(0, 3), three);
        const inside = readProc(pid, "mountinfo")
          .split("\n")
          .map((line) => line.split(" ")[0]);
        for (const mount of mountsOpenIn(pid))
          assert.ok(inside.includes(mount), openIn(pid).join());
        await tasks.start({ id });
        assert.equal(openIn(pid), three);
        const byWorker = { rlimits: [{ type: "RLIMIT_NPROC", soft: 20_000, hard: 20_000 }] };
        for (const [execId, more] of Object.entries<Patch>({ here: {}, worker: byWorker })) {
          const place = { id, execId };
          await tasks.exec({
            ...place,
            ...streams.names,
            spec: processSpec(["sleep", "100"], more),
          });
          assert.equal(openIn((await tasks.start(place)).pid), three);
        }
      });
    }
  });
}

test("a shim has no more open after a hundred execs, on fifos and on terminals", async () => {
  await withShim({ patch: idle }, async ({ id, pid, tasks, create }) => {
    await create();
    await tasks.start({ id });
    const run = async (index: number): Promise<void> => {
      const place = { id, execId: `e${index}` };
      const { names } = index % 2 === 0 ? onFifos : onTerminal;
      await tasks.exec({ ...place, ...names, spec: processSpec(["true"]) });
      await tasks.start(place);
      await tasks.wait(place);
      await tasks.delete(place);
    };
    const onFifos = clientStreams({ stdin: true });
    const onTerminal = clientStreams({ stdin: true, terminal: true });
    await run(0);
    await run(1);
    const before = openIn(pid);
    for (let index = 0; index < 100; index++) await run(index);
    await waitUntil("as few descriptors", () => openIn(pid).length <= before.length);
  });
});

runTests({ atEnd: async () => events.stop() });
