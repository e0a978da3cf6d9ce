// Terminals by a shim, which it pumps: all that is written arrives, in order, and nobody waits for
// another's client.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { type Patch, script } from "../support/bundle.ts";
import { patience } from "../support/patience.ts";
import { isStuck } from "../support/process.ts";
import { startProgram } from "../support/program.ts";
import { freshDirectory } from "../support/room.ts";
import { type Shim, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { idle, noticesNothing, withNeighbour } from "../support/shim-neighbour.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

const onTerminal = (text: string): Patch => ({
  process: { ...script(`stty raw -echo; ${text}`), terminal: true },
});
const isSoak = process.env["SOAK"] === "1";
const bytes = isSoak ? 400_000_000 : 10_000_000;

/** What `seq` says. */
function numbers(last: number): string {
  return Array.from({ length: last }, (_, index) => `${index + 1}\n`).join("");
}

/** Processor time that the shim has had, in milliseconds. */
function cpuMs({ pid }: Shim): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}

async function rests(shim: Shim): Promise<void> {
  const before = cpuMs(shim);
  await Bun.sleep(300);
  const ms = cpuMs(shim) - before;
  assert.ok(ms < 150, `${ms} ms of processor time in 300`);
}

test("a terminal that is never silent holds up nobody, and is resized meanwhile", async () => {
  await withNeighbour(
    onTerminal(`${"busybox yes & ".repeat(4)} wait`),
    async ({ id, tasks, create }, neighbour) => {
      // Which takes whatever comes.
      await create({ stdout: "file:///dev/null", terminal: true });
      await tasks.start({ id });
      await noticesNothing(neighbour);
      await tasks.resizePty({ id, width: 101, height: 44 });
      const place = { id, execId: "size" };
      const shown = clientStreams();
      const spec = processSpec(["sh", "-c", "stty size < /dev/pts/0"]);
      await tasks.exec({ ...place, ...shown.names, spec });
      await tasks.start(place);
      assert.is((await shown.stdout.ended).stdout, "44 101\n");
      await tasks.kill({ id, signal: 9 });
      await tasks.wait({ id });
      await tasks.delete({ id });
    },
  );
});

test("a client that stops reading is waited for, by its own terminal alone", async () => {
  const text = "echo ready; read line; exec busybox seq 200000";
  await withNeighbour(onTerminal(text), async (shim, neighbour) => {
    const { id, tasks, create } = shim;
    const streams = clientStreams({ stdin: true, terminal: true });
    const { pid } = await create(streams.names);
    await tasks.start({ id });
    await waitUntil("the shell", () => streams.stdout.stdout() === "ready\n");
    streams.stdout.kill("SIGSTOP");
    streams.write("go\n");
    await waitUntil("a terminal that is full", () => isStuck(pid));
    await noticesNothing(neighbour);
    await rests(shim);
    streams.stdout.kill("SIGCONT");
    assert.is((await tasks.wait({ id })).exitStatus, 0);
    await tasks.delete({ id });
    assert.ok((await streams.stdout.ended).stdout === `ready\n${numbers(200_000)}`);
    streams.closeInput();
  });
});

test("a terminal whose process is gone costs nothing, whatever its client types and does not read", async () => {
  const text = "echo ready; read line; exec busybox seq 200000";
  await withShim({ patch: onTerminal(text) }, async (shim) => {
    const { id, tasks, create } = shim;
    const streams = clientStreams({ stdin: true, terminal: true });
    const { pid } = await create(streams.names);
    await tasks.start({ id });
    await waitUntil("the shell", () => streams.stdout.stdout() === "ready\n");
    streams.stdout.kill("SIGSTOP");
    const typing = startProgram(["sh", "-c", `yes > ${streams.names.stdin}`]);
    try {
      await waitUntil("a terminal that is full", () => isStuck(pid));
      await rests(shim);
      await tasks.kill({ id, signal: 9 });
      await tasks.wait({ id });
      await rests(shim);
      // Else it is deleted all the same, 10 seconds later.
      if (!isSoak) streams.stdout.kill("SIGCONT");
      await tasks.delete({ id });
      streams.stdout.kill("SIGCONT");
      assert.match((await streams.stdout.ended).stdout, /^ready\n1\n2\n/);
    } finally {
      typing.kill("SIGKILL");
    }
  });
});

test("files and devices can be a terminal's client", async () => {
  const folder = freshDirectory();
  const [stdin, stdout] = [join(folder, "in"), join(folder, "out")];
  writeFileSync(stdin, numbers(20_000));
  writeFileSync(stdout, "there\n");
  const text = "head -n 20000; exec sleep 100";
  await withShim({ patch: onTerminal(text) }, async ({ id, tasks, create }) => {
    await create({ stdin, stdout, terminal: true });
    await tasks.start({ id });
    await waitUntil("the file", () => readFileSync(stdout, "utf8").endsWith(numbers(20_000)));
    assert.ok(readFileSync(stdout, "utf8").startsWith("there\n"));
    for (const [name, input] of Object.entries({ zero: "/dev/zero", null: "/dev/null" })) {
      const place = { id, execId: name };
      const bytes = name === "zero" ? 1_000_000 : 0;
      const spec = processSpec(["sh", "-c", `stty raw -echo; head -c ${bytes} | wc -c`]);
      const shown = clientStreams({ terminal: true });
      await tasks.exec({ ...place, ...shown.names, stdin: input, spec });
      await tasks.start(place);
      assert.is((await tasks.wait(place)).exitStatus, 0);
      await tasks.delete(place);
      assert.match((await shown.stdout.ended).stdout, new RegExp(`${bytes}\n$`));
    }
  });
});

test("an exec is deleted at once when others still have its terminal, and its output has come", async () => {
  await withShim({ patch: idle }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    for (const others of ["sleep 100", "busybox yes"]) {
      const place = { id, execId: others };
      const shown = clientStreams({ terminal: true });
      const text = `stty raw; trap '' HUP; busybox seq 20000; ${others} &`;
      await tasks.exec({ ...place, ...shown.names, spec: processSpec(["sh", "-c", text]) });
      await tasks.start(place);
      assert.is((await tasks.wait(place)).exitStatus, 0);
      await tasks.delete(place, { timeoutMs: 5_000 * patience });
      const { stdout } = await shown.stdout.ended;
      assert.ok(stdout.startsWith(numbers(20_000)));
    }
  });
});

test(`${bytes / 1e6} MB go through a terminal both ways, in order`, async () => {
  const text = `echo ready; exec head -c ${bytes}`;
  await withShim({ patch: onTerminal(text) }, async ({ id, tasks, create }) => {
    const streams = clientStreams({ stdin: true, terminal: true });
    const typed = join(freshDirectory(), "typed");
    writeFileSync(typed, randomBytes((bytes / 4) * 3).toString("base64"));
    await create(streams.names);
    await tasks.start({ id });
    await waitUntil("the shell", () => streams.stdout.stdout() === "ready\n");
    const typing = startProgram(["sh", "-c", `cat ${typed} > ${streams.names.stdin}`]);
    assert.is((await tasks.wait({ id }, { timeoutMs: 600_000 })).exitStatus, 0);
    await tasks.delete({ id });
    assert.ok((await streams.stdout.ended).stdout === `ready\n${readFileSync(typed, "utf8")}`);
    assert.is((await typing.ended).code, 0);
  });
});

runTests({ atEnd: async () => events.stop() });
