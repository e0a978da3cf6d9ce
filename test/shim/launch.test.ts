// `start`, `-info` and `-v` of the shim: what containerd reads of them, and what lives afterwards.

import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import * as assert from "uvu/assert";
import { BootstrapParams, BootstrapResult, RuntimeInfo } from "../../shim/proto/bootstrap.ts";
import { Any } from "../../shim/proto/common.ts";
import { decode } from "../../shim/proto/decode.ts";
import { encode } from "../../shim/proto/encode.ts";
import { RuncOptions, RuntimeOptions } from "../../shim/proto/options.ts";
import { bundle, script } from "../support/bundle.ts";
import { isRunning, readProc, statusFields } from "../support/process.ts";
import { freshDirectory, freshName, room, roomVariable } from "../support/room.ts";
import {
  namespace,
  runShim,
  type ShimOutcome,
  shimProgram,
  shimWords,
  withShim,
} from "../support/shim-client.ts";
import { containerdAddress, receiveEvents } from "../support/shim-events.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { connectTasks } from "../support/task-client.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();
const socketFolder = join(room.directory, "s");

test("start leaves one process that is nobody's burden, and nothing of the caller's in it", async () => {
  await withShim({}, async ({ id, pid, bundle, socket }) => {
    const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    assert.equal(fds.slice(0, 3), ["/dev/null", "/dev/null", "/dev/null"]);
    assert.equal(
      fds.filter((target) => target.startsWith("pipe:") || target.startsWith(room.directory)),
      [],
    );
    assert.is(readlinkSync(`/proc/${pid}/cwd`), "/");
    assert.ok(readProc(pid, "cmdline").split("\0").includes(id), "the id is a word of its own");
    assert.is(readProc(pid, "comm"), "containerd-shim\n");
    assert.is(readProc(pid, "stat").split(") ")[1]?.split(" ")[2], `${pid}`, "its process group");
    const { Threads, THP_enabled } = statusFields(readProc(pid, "status"));
    assert.equal({ Threads, THP_enabled }, { Threads: "1", THP_enabled: "0" });
    const own = Number(readProc("self", "oom_score_adj"));
    assert.is(Number(readProc(pid, "oom_score_adj")), Math.min(own + 1, 1000));
    assert.is(statSync(socket).mode & 0o777, 0o600);
    assert.is(statSync(socketFolder).mode & 0o777, 0o700);
    assert.is(readFileSync(join(bundle, "address"), "utf8"), `unix://${socket}`);
    assert.is(statSync(join(bundle, "address")).mode & 0o777, 0o600);
  });
});

test("a container has nothing of the shim's own settings", async () => {
  const patch = { process: script("grep THP_enabled /proc/self/status") };
  await withShim({ patch }, async ({ id, tasks, create }) => {
    const streams = clientStreams();
    await create(streams.names);
    await tasks.start({ id });
    const { THP_enabled } = statusFields(readProc("self", "status"));
    assert.is((await streams.stdout.ended).stdout, `THP_enabled:\t${THP_enabled}\n`);
  });
});

for (const annotation of ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"]) {
  test(`containers of one ${annotation} share a shim, which ends with the last`, async () => {
    const patch = { annotations: { [annotation]: freshName() } };
    await withShim({ patch }, async (first) => {
      await withShim({ patch }, async (second) => {
        assert.is(second.pid, first.pid);
        await second.create();
        await first.tasks.shutdown({ id: first.id });
        assert.is((await first.tasks.connect({ id: second.id })).shimPid, first.pid);
      });
      assert.not.ok(existsSync(first.socket), "it has shut down, and has taken its socket along");
    });
  });
}

test("a shim that has shut down is in nobody's way: neither its socket nor its address", async () => {
  const directory = bundle();
  const id = freshName();
  const pids = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const { stdout } = await succeed(shimWords(id, "start"), directory);
    const socket = `${stdout}`.replace("unix://", "");
    const tasks = await connectTasks(socket);
    pids.add((await tasks.connect({ id })).shimPid);
    await tasks.shutdown({ id });
    assert.not.ok(existsSync(socket));
    assert.not.ok(existsSync(join(directory, "address")));
    tasks.client.close();
  }
  assert.is(pids.size, 5);
});

test("of many starts at once for one pod one makes the shim", async () => {
  const pod = freshName();
  const patch = { annotations: { "io.kubernetes.cri.sandbox-id": pod } };
  const starts = Array.from({ length: 8 }, async () => {
    return await succeed(shimWords(freshName(), "start"), bundle(patch));
  });
  const replies = new Set((await Promise.all(starts)).map(({ stdout }) => `${stdout}`));
  assert.is(replies.size, 1);
  const [reply = ""] = replies;
  const tasks = await connectTasks(reply.replace("unix://", ""));
  await tasks.shutdown({ id: pod });
  tasks.client.close();
  await waitUntil("end of all shims", () => shimsInRoom().length === 0);
});

test("a socket that nobody answers on is replaced", async () => {
  const patch = { annotations: { "io.kubernetes.cri.sandbox-id": freshName() } };
  await withShim({ patch }, async (killed) => {
    process.kill(killed.pid, "SIGKILL");
    await waitUntil("its end", () => shimsInRoom().length === 0);
    assert.ok(existsSync(killed.socket));
    await withShim({ patch }, async (next) => {
      assert.is(next.socket, killed.socket);
      assert.is.not(next.pid, killed.pid);
    });
  });
});

test("containerd 1.7 to 2.2 gets JSON, 2.3 and later a message, whose directory is used", async () => {
  const patch = { annotations: { "io.kubernetes.cri.sandbox-id": freshName() } };
  await withShim({ patch }, async ({ socket }) => {
    const { stdout } = await runShim(shimWords(freshName(), "start"), {
      bundle: bundle(patch),
      env: { MAX_SHIM_VERSION: "2" },
    });
    const reply = { version: 2, address: `unix://${socket}`, protocol: "ttrpc" };
    assert.equal(JSON.parse(`${stdout}`), reply);
  });
  const id = freshName();
  const socketDir = join(room.directory, "b");
  const stdin = encode(BootstrapParams, {
    instanceId: id,
    namespace,
    containerdGrpcAddress: containerdAddress,
    extensions: [{ value: { typeUrl: RuncOptions.name, value: new Uint8Array(0) } }],
    socketDir,
  });
  const words = ["-namespace", namespace, "-id", id, "-address", containerdAddress, "start"];
  const { stdout } = await succeed(words, bundle(), stdin);
  const { version, address, protocol } = decode(BootstrapResult, stdout);
  assert.equal({ version, protocol }, { version: 3, protocol: "ttrpc" });
  const socket = address.replace("unix://", "");
  assert.is(join(socket, ".."), socketDir);
  const tasks = await connectTasks(socket);
  await tasks.shutdown({ id });
  tasks.client.close();
});

test("CRI-O's empty address, and a core scheduling cookie that is asked for, are no hindrance", async () => {
  const id = freshName();
  const words = ["-namespace", namespace, "-address", "", "-publish-binary", "crio", "-id", id];
  const { code, stdout, stderr } = await runShim([...words, "start"], {
    bundle: bundle(),
    env: { SCHED_CORE: "1" },
  });
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
  const tasks = await connectTasks(`${stdout}`.replace("unix://", ""));
  await tasks.shutdown({ id });
  tasks.client.close();
});

const refused: readonly [string, (given: Refused) => Promise<ShimOutcome>, RegExp][] = [
  ["no action", ({ at }) => runShim([], at), /^no action, wanted start or delete \(hint: /],
  [
    "another action",
    ({ at, id }) => runShim(shimWords(id, "begin"), at),
    /^unknown action "begin", wanted start or delete/,
  ],
  ["no namespace", ({ at }) => runShim(["-id", "a", "start"], at), /^-namespace is missing$/],
  ["no id", ({ at }) => runShim(["-namespace", "a", "start"], at), /^-id is missing$/],
  [
    "an id that is a path",
    ({ at }) => runShim(shimWords("../a", "start"), at),
    /^invalid container ID format: "\.\.\/a" must consist of /,
  ],
  [
    "garbage on standard input",
    ({ at, id }) => runShim(shimWords(id, "start"), { ...at, stdin: Buffer.from("hello") }),
    /^standard input is neither empty, nor /,
  ],
  [
    "more on standard input than anyone has to say",
    ({ at, id }) => runShim(shimWords(id, "start"), { ...at, stdin: Buffer.alloc(10_485_761) }),
    /^standard input has more than 10485760 bytes$/,
  ],
  [
    "options with a wrong value",
    ({ at, id }) => runShim(shimWords(id, "start"), { ...at, stdin: toml("SystemdCgroup = 1") }),
    /^options: SystemdCgroup is 1, wanted true or false$/,
  ],
  [
    "a cgroup for the shim that is not there",
    ({ at, id }) => runShim(shimWords(id, "start"), { ...at, stdin: toml('ShimCgroup = "/no-x"') }),
    /^there is no cgroup \/no-x, which option ShimCgroup names$/,
  ],
  [
    "a directory that makes the socket's path too long",
    ({ at, id }) =>
      runShim(shimWords(id, "start"), {
        ...at,
        env: { SHIM_SOCKET_DIR: join(room.directory, "long".repeat(12)) },
      }),
    /^the shim's socket .* has 1\d\d bytes in its path, 106 fit \(hint: /,
  ],
];

interface Refused {
  id: string;
  at: { bundle: string };
}

for (const [what, run, text] of refused) {
  test(`${what} is an error in words, and leaves nothing`, async () => {
    const at = { bundle: bundle() };
    const id = freshName();
    const { code, stdout, stderr } = await run({ id, at });
    assert.is(code, 1);
    assert.is(`${stdout}`, "");
    assert.match(stderr, /^containerd-shim-runt-v2: [^\n]*\n$/);
    assert.match(stderr.slice("containerd-shim-runt-v2: ".length).trimEnd(), text);
    assert.not.ok(existsSync(join(at.bundle, "address")));
    assert.equal(existsSync(socketFolder) ? readdirSync(socketFolder) : [], []);
    await waitUntil("end of all shims", () => shimsInRoom().length === 0);
  });
}

const hierarchies = readdirSync("/sys/fs/cgroup").includes("cgroup.controllers")
  ? ["/sys/fs/cgroup"]
  : ["memory", "pids"].map((name) => `/sys/fs/cgroup/${name}`);

test("ShimCgroup puts the shim into each hierarchy that has it", async () => {
  const name = `${room.prefix}-shim`;
  for (const hierarchy of hierarchies) mkdirSync(`${hierarchy}/${name}`);
  try {
    const id = freshName();
    const { stdout } = await succeed(
      shimWords(id, "start"),
      bundle(),
      toml(`ShimCgroup = "/${name}"`),
    );
    const tasks = await connectTasks(`${stdout}`.replace("unix://", ""));
    const { shimPid } = await tasks.connect({ id });
    const lines = readProc(shimPid, "cgroup").split("\n");
    assert.is(lines.filter((line) => line.endsWith(`:/${name}`)).length, hierarchies.length);
    await tasks.shutdown({ id });
    tasks.client.close();
    await waitUntil("its end", () => shimsInRoom().length === 0);
  } finally {
    for (const hierarchy of hierarchies) rmdirSync(`${hierarchy}/${name}`);
  }
});

test("options of Create count, as a table too; of an unknown type they are a line in the log", async () => {
  await withShim({}, async ({ id, tasks, create, log }) => {
    const wrong = create({ options: decode(Any, toml("IoUid = -1")) });
    await rejects(wrong, /options: IoUid is -1, wanted a number from 0 to 4294967295/);
    await create({ options: decode(Any, toml(`Root = "${room.shimRoot}"\nSpeed = 1`)) });
    assert.ok(existsSync(join(room.shimRoot, namespace, id)), "the state is where Root says");
    await tasks.kill({ id, signal: 9 });
    await tasks.wait({ id });
    await tasks.delete({ id });
    assert.match(log(), /level=warning msg="options: Speed is not known, and has no effect" id=/);
    await rejects(create({ bundle: "/nowhere", options: { typeUrl: "other.Options" } }), /nowhere/);
    assert.match(log(), /msg="options of the type \\"other.Options\\" are not known/);
  });
});

test("a log that nobody reads holds nobody up", async () => {
  const patch = { process: script("while :; do sleep 1; done") };
  await withShim({ patch, debug: true }, async ({ id, pid, bundle, tasks, create, log }) => {
    fill(join(bundle, "log"));
    await create();
    await tasks.start({ id });
    assert.not.match(log(), /msg="[^"]*(Create|Start)/);
    await tasks.pause({ id });
    await tasks.resume({ id });
    process.kill(pid, "SIGUSR1");
    await waitUntil("lines after the fifo was emptied", () => /msg="shim"/.test(log()));
    assert.match(log(), /^time="[^"]+" level=info msg=/m);
  });
});

test("-info tells what the program can do, and -v which it is", async () => {
  const at = { bundle: room.directory };
  const asked = await runShim(["-info"], at);
  assert.equal({ code: asked.code, stderr: asked.stderr }, { code: 0, stderr: "" });
  const { name, version, features, annotations } = decode(RuntimeInfo, asked.stdout);
  assert.is(name, "io.containerd.runt.v2");
  assert.equal(annotations, []);
  assert.is(
    features?.typeUrl,
    "types.containerd.io/opencontainers/runtime-spec/1/features/Features",
  );
  const found = JSON.parse(Buffer.from(features?.value ?? []).toString());
  assert.is(found.linux.mountExtensions.idmap.enabled, true);
  assert.ok(found.mountOptions.includes("rro"));
  const withOptions = await runShim(["-info"], { ...at, stdin: toml("SystemdCgroup = true") });
  assert.equal(withOptions.stdout, asked.stdout);
  const { stdout, stderr } = await runShim(["-v"], at);
  assert.is(stderr, "");
  assert.match(`${stdout}`, new RegExp(`^containerd-shim-runt-v2 ${version?.version} \\(commit `));
});

test("delete of nothing and -info do without the addon, which takes as long as all else", () => {
  const alone = join(freshDirectory(), "runt");
  copyFileSync(join(shimProgram, "../libexec/runt"), alone);
  const words = ["-namespace", namespace, "-id", "none", "-bundle", room.directory, "delete"];
  for (const asked of [["-info"], words]) {
    const command = [alone, "containerd-shim-runt-v2", ...asked];
    const { exitCode, stderr } = Bun.spawnSync(command, { env: { BUN_JSC_useJIT: "0" } });
    assert.equal({ exitCode, stderr: `${stderr}` }, { exitCode: 0, stderr: "" });
  }
});

runTests({ atEnd: async () => events.stop() });

async function succeed(
  words: readonly string[],
  directory: string,
  stdin?: Uint8Array,
): Promise<ShimOutcome> {
  const outcome = await runShim(words, { bundle: directory, ...(stdin && { stdin }) });
  assert.equal({ code: outcome.code, stderr: outcome.stderr }, { code: 0, stderr: "" });
  return outcome;
}

/** The runtime's options as a table in an Any. */
function toml(text: string): Buffer {
  const value = encode(RuntimeOptions, { configBody: Buffer.from(text) });
  return encode(Any, { typeUrl: RuntimeOptions.name, value });
}

/** Pids of the shims of this room that have not ended. */
function shimsInRoom(): number[] {
  const program = realpathSync(join(shimProgram, "../libexec/runt"));
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && isRunning(pid))
    .filter((pid) => readProc(pid, "environ").includes(roomVariable))
    .filter((pid) => readProc(pid, "cmdline").includes(`${basename(program)}\0containerd-shim`));
}

async function rejects(call: Promise<unknown>, text: RegExp): Promise<void> {
  try {
    await call;
  } catch (error) {
    assert.match(error instanceof Error ? error.message : String(error), text);
    return;
  }
  assert.unreachable(`expected an error ${text}`);
}

/** Fills a fifo that somebody holds open. */
function fill(fifo: string): void {
  const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    for (const bytes of [4096, 1]) {
      while (tryWrite(fd, Buffer.alloc(bytes, "x\n")));
    }
  } finally {
    closeSync(fd);
  }
}

function tryWrite(fd: number, bytes: Buffer): boolean {
  try {
    return writeSync(fd, bytes) > 0;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return false;
    throw error;
  }
}
