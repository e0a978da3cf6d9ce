// The socket of a shim: who may use it, and what bad clients cannot do to good ones.

import { chmodSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import * as assert from "uvu/assert";
import { encode } from "../../shim/proto/encode.ts";
import { TASK } from "../../shim/proto/task.ts";
import { Request } from "../../shim/proto/ttrpc.ts";
import { DATA_BYTES_MAX, encodeFrame, REQUEST } from "../../shim/ttrpc/frame.ts";
import { readProc } from "../support/process.ts";
import { startProgram } from "../support/program.ts";
import { room } from "../support/room.ts";
import { type Shim, startShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { runTests, test } from "../support/suite.ts";
import { connectTasks } from "../support/task-client.ts";
import { CallError, type Connection, connectTo } from "../support/ttrpc-client.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();
const shim: Shim = await startShim();
const { socket, tasks, id } = shim;

/** Connects, asks, and exits with 0 when there is an answer. */
const asks = `
  $SIG{PIPE} = "IGNORE";
  my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 2;
  syswrite($s, pack("H*", $ARGV[1]));
  exit(sysread($s, my $answer, 10) == 10 ? 0 : 1);`;

test("only who is the shim's own user and group is served", async () => {
  for (const path of [room.directory, dirname(socket)]) chmodSync(path, 0o755);
  chmodSync(socket, 0o666);
  const as = async (uid: number, gid: number): Promise<number> => {
    const user = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
    const question = connect(1).toString("hex");
    const program = ["perl", "-MIO::Socket::UNIX", "-e", asks, socket, question];
    return (await startProgram([...user, ...program]).ended).code;
  };
  assert.is(await as(0, 0), 0);
  assert.is(await as(room.uid, room.uid), 1);
  assert.is(await as(0, room.uid), 1);
  assert.is(await as(room.uid, 0), 1);
});

test("many calls at once are all answered", async () => {
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, index) => tasks.connect({ id: `${index}` })),
  );
  assert.ok(answers.every(({ shimPid }) => shimPid === shim.pid));
});

test("both versions of the service are there, and no other", async () => {
  const second = await connectTasks(socket, 2);
  assert.is((await second.connect({ id })).shimPid, shim.pid);
  await refused(second.client.call({ service: "x.Task", name: "State" }, TASK.State, {}), 12);
  await refused(
    second.client.call({ service: "containerd.task.v2.Task", name: "Nonsense" }, TASK.State, {}),
    12,
  );
  second.client.close();
});

test("a frame that is too long is refused, and its connection goes on", async () => {
  const connection = await connectTo(socket);
  const data = new Uint8Array(DATA_BYTES_MAX + 1);
  connection.send(encodeFrame({ stream: 1, type: REQUEST, flags: 0, data }));
  connection.send(connect(3));
  await waitUntil("two answers", () => connection.frames.length === 2);
  assert.equal(
    connection.frames.map(({ stream }) => stream),
    [1, 3],
  );
  connection.close();
});

test("a client that leaves in the middle of a frame leaves nothing", async () => {
  const before = descriptors();
  for (const bytes of [new Uint8Array(0), connect(1).subarray(0, 30), Buffer.alloc(100, 0xff)]) {
    const connection = await connectTo(socket);
    connection.send(bytes);
    connection.close();
  }
  await waitUntil("descriptors as before", () => descriptors() === before);
  assert.is((await tasks.connect({ id })).shimPid, shim.pid);
});

test("a client that does not read keeps nobody waiting, and little in memory", async () => {
  // Asks, and never reads.
  const script = `
    my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 2;
    $s->blocking(0);
    my $stream = 1;
    for (my $idle = 0; $idle < 50;) {
      my $frame = pack("NNCC", $ARGV[2], $stream, 1, 0) . pack("H*", $ARGV[1]);
      my $n = syswrite($s, $frame);
      if (!defined $n) { $idle++; select(undef, undef, undef, 0.01); next; }
      # A part of a frame is the end of what the socket takes.
      last if $n < length $frame;
      $stream += 2;
    }
    $| = 1; print "full $stream\\n"; sleep 60;`;
  const question = connect(1).subarray(10);
  const words = [socket, question.toString("hex"), `${question.length}`];
  const client = startProgram(["perl", "-MIO::Socket::UNIX", "-e", script, ...words]);
  await waitUntil("the socket is full", () => client.stdout().startsWith("full"), 15_000);
  assert.is((await tasks.connect({ id })).shimPid, shim.pid);
  // Far more would have been asked if the shim had read it all.
  assert.ok(Number(client.stdout().split(" ")[1]) < 500_000, client.stdout());
  client.kill("SIGKILL");
  await client.ended;
  assert.is((await tasks.connect({ id })).shimPid, shim.pid);
});

test("without descriptors it waits instead of spinning, and serves who has waited", async () => {
  const limit = (count: number | string): void => {
    const words = ["prlimit", `--pid=${shim.pid}`, `--nofile=${count}:`];
    assert.is(Bun.spawnSync(words).exitCode, 0);
  };
  const before = /Max open files\s+(\d+)/.exec(readProc(shim.pid, "limits"))?.[1] ?? "";
  const clients: Connection[] = [];
  const answered = (): number => clients.filter(({ frames }) => frames.length > 0).length;
  // The limit is on numbers, of which lower ones may be free: more clients than there can be.
  const count = descriptors();
  limit(count);
  try {
    for (let index = 0; index < count + 10; index++) {
      const client = await connectTo(socket);
      client.send(connect(1));
      clients.push(client);
    }
    const ticks = ticksOf(shim.pid);
    await Bun.sleep(1000);
    assert.ok(ticksOf(shim.pid) - ticks < 50, `${ticksOf(shim.pid) - ticks} ticks of 10 ms`);
    assert.ok(answered() < clients.length, `${answered()} answers`);
  } finally {
    limit(before);
  }
  await waitUntil("all answers", () => answered() === clients.length);
  for (const client of clients) client.close();
});

runTests({
  atEnd: async () => {
    await shim.end();
    events.stop();
  },
});

/** A call of Connect as a frame. */
function connect(stream: number): Buffer {
  const data = encode(Request, {
    service: "containerd.task.v3.Task",
    method: "Connect",
    payload: encode(TASK.Connect.request, { id: "none" }),
  });
  return encodeFrame({ stream, type: REQUEST, flags: 0, data });
}

function descriptors(): number {
  return readdirSync(`/proc/${shim.pid}/fd`).length;
}

/** Processor time so far, in ticks of 10 ms. */
function ticksOf(pid: number): number {
  const [user, system] = readProc(pid, "stat").split(") ")[1]?.split(" ").slice(11, 13) ?? [];
  return Number(user) + Number(system);
}

async function refused(call: Promise<unknown>, code: number): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    assert.is(error.code, code);
    return;
  }
  throw new Error("it is answered");
}
