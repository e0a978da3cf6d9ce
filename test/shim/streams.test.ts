// Standard streams by a shim, without a terminal: the client's fifos, or files.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { encode } from "../../shim/proto/encode.ts";
import { RuncOptions } from "../../shim/proto/options.ts";
import { defaultNamespaces, inUserNamespace, type Patch, script } from "../support/bundle.ts";
import { isStuck } from "../support/process.ts";
import { startProgram } from "../support/program.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { shimOptions, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { idle, noticesNothing, withNeighbour } from "../support/shim-neighbour.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

const bytes = process.env["SOAK"] === "1" ? 1_000_000_000 : 50_000_000;

/** By the shim itself, and by a worker. */
const ways: Record<string, Patch> = {
  plain: {},
  worker: { rlimits: [{ type: "RLIMIT_NPROC", soft: 20_000, hard: 20_000 }] },
  terminal: {},
};
const users = [
  { uid: 0, gid: 0 },
  { uid: 1000, gid: 1001 },
];

for (const [where, linux] of Object.entries<Patch>({ host: {}, mapped: inUserNamespace })) {
  test(`a process opens its own streams again, with ${where} ids and as an ordinary user`, async () => {
    for (const user of users) {
      const again = "read line < /dev/stdin; echo $line > /dev/stdout; echo err > /dev/stderr";
      const patch = { process: { ...script(`${again}; sleep 100`), user }, linux };
      await withShim({ patch }, async ({ id, tasks, create }) => {
        const ofInit = clientStreams({ stdin: true });
        await create(ofInit.names);
        await tasks.start({ id });
        ofInit.write("init\n");
        for (const [execId, more] of Object.entries(ways)) {
          const terminal = execId === "terminal";
          const place = { id, execId };
          const streams = clientStreams({ stdin: true, terminal });
          const spec = processSpec(["sh", "-c", again], { user, ...more });
          await tasks.exec({ ...place, ...streams.names, spec });
          await tasks.start(place);
          streams.write("exec\n");
          await tasks.wait(place);
          await tasks.delete(place);
          streams.closeInput();
          const { stdout } = await streams.stdout.ended;
          assert.is(stdout, terminal ? "exec\r\nexec\r\nerr\r\n" : "exec\n");
          assert.is((await streams.stderr.ended).stdout, terminal ? "" : "err\n");
        }
        await tasks.kill({ id, signal: 9 });
        assert.is((await ofInit.stdout.ended).stdout, "init\n");
        assert.is((await ofInit.stderr.ended).stdout, "err\n");
        ofInit.closeInput();
      });
    }
  });
}

test("a process opens its own streams again in the user namespace of its pod", async () => {
  await withShim({ patch: { ...idle, linux: inUserNamespace } }, async ({ id, tasks, create }) => {
    const { pid } = await create();
    await tasks.start({ id });
    const path = `/proc/${pid}/ns/user`;
    const namespaces = [...defaultNamespaces, { type: "user", path }];
    const user = { uid: 1000, gid: 1001 };
    const patch = {
      process: { ...script("echo out > /dev/stdout"), user },
      linux: { ...inUserNamespace, namespaces },
    };
    await withShim({ patch }, async (other) => {
      const streams = clientStreams();
      await other.create(streams.names);
      await other.tasks.start({ id: other.id });
      assert.is((await streams.stdout.ended).stdout, "out\n");
      await streams.stderr.ended;
    });
  });
});

test("a client that leaves kills nobody, and finds all of it when it comes back", async () => {
  const patch = { process: script("while read line; do echo $line; done; echo over") };
  await withShim({ patch }, async ({ id, tasks, create }) => {
    const streams = clientStreams({ stdin: true });
    const { stdin, stdout } = streams.names;
    const { pid } = await create(streams.names);
    await tasks.start({ id });
    streams.write("one\n");
    await waitUntil("the echo", () => streams.stdout.stdout() === "one\n");
    streams.write("two\n");
    streams.leave();
    assert.is((await streams.stdout.ended).code, 137);
    // As containerd when it is started again.
    streams.write("three\n");
    streams.closeInput();
    const later = startProgram(["cat", stdout]);
    await waitUntil("the echo", () => later.stdout().endsWith("three\n"));
    assert.is((await tasks.state({ id })).pid, pid);
    await tasks.closeIO({ id, stdin: true });
    assert.is((await tasks.wait({ id })).exitStatus, 0);
    assert.match((await later.ended).stdout, /^(two\n)?three\nover\n$/);
    assert.ok(statSync(stdin).isFIFO());
  });
});

test("the end of the input comes with CloseIO and the client's own, after all that was typed", async () => {
  await withShim({ patch: idle }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    for (const when of ["before it starts", "while it runs"]) {
      const place = { id, execId: when.replaceAll(" ", "-") };
      const streams = clientStreams({ stdin: true });
      const spec = processSpec(["sh", "-c", "cat; echo over"]);
      await tasks.exec({ ...place, ...streams.names, spec });
      streams.write("one\n");
      if (when === "before it starts") await tasks.closeIO({ ...place, stdin: true });
      await tasks.start(place);
      await waitUntil("the first", () => streams.stdout.stdout() === "one\n");
      if (when === "while it runs") await tasks.closeIO({ ...place, stdin: true });
      streams.write("two\n");
      streams.closeInput();
      assert.is((await tasks.wait(place)).exitStatus, 0);
      assert.is((await streams.stdout.ended).stdout, "one\ntwo\nover\n", when);
      await tasks.delete(place);
    }
  });
});

test("where nobody opens the fifos, or reads them, all but the container goes on", async () => {
  const noise = { process: script("echo there; exec busybox yes") };
  await withNeighbour(noise, async ({ id, tasks, create }, neighbour) => {
    const folder = freshDirectory();
    const [stdin, stdout, stderr] = ["in", "out", "err"].map((name) => join(folder, name));
    for (const path of [stdin, stdout, stderr]) Bun.spawnSync(["mkfifo", `${path}`]);
    const { pid } = await create({ stdin, stdout, stderr });
    await tasks.start({ id });
    await waitUntil("a fifo that is full", () => isStuck(pid));
    await noticesNothing(neighbour);
    const first = Bun.spawnSync(["head", "-c", "8", `${stdout}`]).stdout.toString();
    assert.is(first, "there\ny\n");
    await tasks.kill({ id, signal: 9 });
    assert.is((await tasks.wait({ id })).exitStatus, 137);
    await tasks.delete({ id });
  });
});

test("files and devices are streams, stay whose they are, and what is not there is an error", async () => {
  const options = {
    typeUrl: RuncOptions.name,
    value: encode(RuncOptions, { ...shimOptions, ioUid: 7, ioGid: 8 }),
  };
  const patch = { process: script("read line; echo $line; echo err >&2") };
  await withShim({ patch }, async ({ id, tasks, create }) => {
    const folder = freshDirectory();
    const [stdin, stdout] = [join(folder, "in"), join(folder, "out")];
    const nothing = join(folder, "null");
    Bun.spawnSync(["mknod", nothing, "c", "1", "3"]);
    const refusal = (names: object): Promise<string> => create(names).then(String, String);
    assert.match(await refusal({ stdin: `${folder}/none` }), /none.*no such file/);
    assert.match(await refusal({ stdin: "/dev/null", stdout: folder }), /is a directory/);
    writeFileSync(stdin, "typed\n");
    writeFileSync(stdout, "there\n");
    await create({ stdin, stdout, stderr: stdout, options });
    await tasks.start({ id });
    await tasks.wait({ id });
    assert.is(readFileSync(stdout, "utf8"), "there\ntyped\nerr\n");
    assert.equal([statSync(stdin).uid, statSync(stdout).uid], [0, 0]);
    await tasks.delete({ id });
    await create({ stdin: nothing, stdout: nothing, stderr: nothing, options });
    await tasks.start({ id });
    await tasks.wait({ id });
    assert.is(statSync(nothing).uid, 0);
  });
});

test(`${bytes / 1e6} MB through standard output arrive whole`, async () => {
  const rootfs = newRootfs();
  const piece = randomBytes(1_000_000);
  writeFileSync(join(rootfs, "piece"), piece);
  const count = bytes / piece.length;
  const hash = createHash("md5");
  for (let index = 0; index < count; index++) hash.update(piece);
  const text = `i=0; while [ $i -lt ${count} ]; do cat /piece; i=$((i + 1)); done`;
  await withShim({ patch: { root: { path: rootfs }, process: script(text) } }, async (shim) => {
    const streams = clientStreams({ reader: "md5sum" });
    await shim.create(streams.names);
    await shim.tasks.start({ id: shim.id });
    assert.is((await shim.tasks.wait({ id: shim.id }, { timeoutMs: 600_000 })).exitStatus, 0);
    assert.is((await streams.stdout.ended).stdout, `${hash.digest("hex")}  -\n`);
  });
});

runTests({ atEnd: async () => events.stop() });
