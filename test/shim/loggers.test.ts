// Output that goes to a program or a file of the client's choice: binary://, binary-v2://, file://.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { STATUS } from "../../shim/proto/task.ts";
import { inUserNamespace, script } from "../support/bundle.ts";
import { hookFolder } from "../support/hook.ts";
import { isRunning } from "../support/process.ts";
import { freshDirectory } from "../support/room.ts";
import { namespace, type Shim, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import type { TaskClient } from "../support/task-client.ts";
import { CallError } from "../support/ttrpc-client.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

const SIGKILL = 9;
/** 128 + SIGPIPE. */
const SIGPIPE_CODE = 141;
const endless = { process: script("while :; do sleep 1; done") };

/** A shell as the program that logs, with a script and what it knows as $0, $1, … */
function logger(text: string, { words = [] as string[], scheme = "binary" } = {}): string {
  const [name, ...values] = words;
  const first = `-c=${encodeURIComponent(text)}`;
  const rest = name === undefined ? [] : [name, ...values];
  const pairs = Array.from({ length: Math.ceil(rest.length / 2) }, (_, index) =>
    rest
      .slice(2 * index, 2 * index + 2)
      .map(encodeURIComponent)
      .join("="),
  );
  return `${scheme}:///bin/sh?${[first, ...pairs].join("&")}`;
}

/** Keeps both outputs in a folder; `end` is there when it has everything. */
function keeper(): { uri: string; read(name: string): string; has(name: string): boolean } {
  const folder = freshDirectory();
  const text = `cd ${folder}
    tr '\\0' '\\n' < /proc/$$/environ > environment; echo "$0 $1" > words; echo $$ > pid
    cat <&3 >stdout 5>&- & cat <&4 >stderr 5>&- & exec 5>&-
    wait; sleep 0.2; echo > end`;
  const path = (name: string): string => join(folder, name);
  return {
    uri: logger(text, { words: ["one", "two three&"] }),
    read: (name) => readFileSync(path(name), "utf8"),
    has: (name) => existsSync(path(name)),
  };
}

function both(uri: string) {
  return { stdout: uri, stderr: uri };
}

/** What a process has open, in the order of the descriptors. */
function descriptors(pid: number): string[] {
  const fds = readdirSync(`/proc/${pid}/fd`).toSorted((one, other) => Number(one) - Number(other));
  return fds.map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

async function finish(tasks: TaskClient, place: { id: string; execId?: string }): Promise<number> {
  const { exitStatus } = await tasks.wait(place);
  await tasks.delete(place);
  return exitStatus;
}

async function refusalOf(call: Promise<unknown>): Promise<CallError> {
  const answer = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(answer instanceof CallError)) throw new Error(`no refusal: ${answer}`);
  return answer;
}

test("a program that logs gets both outputs whole, its own words and nothing else", async () => {
  const kept = keeper();
  // Opened again, by a user who is mapped.
  const text = `head -c 4000000 /dev/zero | tr '\\0' o > /dev/stdout
    head -c 3000000 /dev/zero | tr '\\0' e > /dev/stderr`;
  const process = { ...script(text), user: { uid: 1000, gid: 1000 } };
  await withShim({ patch: { process, linux: inUserNamespace } }, async (shim) => {
    const { id, pid, tasks, create } = shim;
    await create(both(kept.uri));
    await tasks.start({ id });
    assert.is(await finish(tasks, { id }), 0);
    assert.ok(kept.has("end"), "deleted before the program had ended");
    assert.equal(kept.read("stdout"), "o".repeat(4_000_000));
    assert.equal(kept.read("stderr"), "e".repeat(3_000_000));
    const environment = [`CONTAINER_ID=${id}`, `CONTAINER_NAMESPACE=${namespace}`];
    assert.is(kept.read("environment"), `${environment.join("\n")}\n`);
    assert.is(kept.read("words"), "one two three&\n");
    assert.equal(childrenOf(pid), []);
  });
});

test("a container and the program that logs share two pipes and nothing else", async () => {
  const kept = keeper();
  await withShim({ patch: endless }, async ({ id, pid, tasks, create }) => {
    const made = await create(both(kept.uri));
    await tasks.start({ id });
    const [input, ...outputs] = descriptors(made.pid);
    assert.is(input, "/dev/null");
    assert.is(new Set(outputs).size, 2);
    // It has closed the last one itself, to say that it is ready.
    const nothing = ["/dev/null", "/dev/null", "/dev/null"];
    assert.equal(descriptors(Number(kept.read("pid"))), [...nothing, ...outputs]);
    assert.equal(
      descriptors(pid).filter((name) => outputs.includes(name)),
      [],
    );
    await tasks.kill({ id, signal: SIGKILL });
    await waitUntil("the program's end without Delete", () => kept.has("end"));
  });
});

test("an exec has a program of its own, with its own id, with a terminal and without", async () => {
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    for (const terminal of [false, true]) {
      const kept = keeper();
      const place = { id, execId: `exec-${terminal}` };
      const spec = processSpec(["sh", "-c", "echo out; echo err >&2; exit 4"]);
      await tasks.exec({ ...place, ...both(kept.uri), terminal, spec });
      await tasks.start(place);
      assert.is(await finish(tasks, place), 4);
      assert.ok(kept.has("end"));
      assert.match(kept.read("environment"), `CONTAINER_ID=${place.execId}\n`);
      assert.is(kept.read("stdout"), terminal ? "out\r\nerr\r\n" : "out\n");
      assert.is(kept.read("stderr"), terminal ? "" : "err\n");
    }
  });
});

test("execs that are not deleted are logged to their end when the container is", async () => {
  const kept = keeper();
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    const spec = processSpec(["echo", "out"]);
    await tasks.exec({ id, execId: "e", ...both(kept.uri), spec });
    await tasks.start({ id, execId: "e" });
    await tasks.wait({ id, execId: "e" });
    await tasks.kill({ id, signal: SIGKILL });
    await finish(tasks, { id });
    assert.ok(kept.has("end"));
    assert.is(kept.read("stdout"), "out\n");
  });
});

test("a terminal is logged, and typed at by a client", async () => {
  const kept = keeper();
  const streams = clientStreams({ stdin: true, terminal: true });
  const patch = { process: { ...script("read line; echo got $line"), terminal: true } };
  await withShim({ patch }, async ({ id, tasks, create }) => {
    await create({ ...streams.names, ...both(kept.uri) });
    await tasks.start({ id });
    streams.write("words\n");
    await finish(tasks, { id });
    assert.is(kept.read("stdout"), "words\r\ngot words\r\n");
    assert.is(kept.read("stderr"), "");
  });
  streams.leave();
});

const v2 = { scheme: "binary-v2" };

const faults: [what: string, uri: string, code: number, text: RegExp][] = [
  ["is not there", "binary:///no/such", 2, /fork\/exec \/no\/such: no such file or directory/],
  ["cannot be executed", "binary:///etc/passwd", 2, /fork\/exec \/etc\/passwd: permission denied/],
  ["fails", logger("exit 3"), 2, /the logging program \/bin\/sh ended with 3 before it was ready/],
  ["ends at once", logger("exit 0"), 2, /ended with 0 before it was ready/],
  ["is killed", logger("kill -9 $$"), 2, /ended with 137 before it was ready/],
  [
    "says nothing",
    logger("exec 5>&-; exec sleep 100", v2),
    2,
    /closed descriptor 5 without a word/,
  ],
  ["has no path", "binary://sh", 3, /the URI binary:\/\/sh: wanted binary:\/\/\/PATH/],
  ["is misspelt", "binary:///bin/s%zz", 3, /the URI binary:\/\/\/bin\/s%zz: "%zz"/],
  ["is of another kind", "syslog:///x", 2, /unknown STDIO scheme syslog/],
];

test("a container whose program that logs is no good is refused, and leaves nothing", async () => {
  await withShim({ patch: endless }, async ({ id, pid, bundle, tasks, create }) => {
    const made = await create();
    await tasks.start({ id });
    await waitUntil("the workers' ends", () => childrenOf(pid).length === 1);
    const before = descriptors(pid).length;
    for (const [what, uri, code, text] of faults) {
      const { message, code: got } = await refusalOf(
        tasks.create({ id: `${id}-other`, bundle, ...both(uri) }),
      );
      assert.match(message, text, what);
      assert.is(got, code, what);
      const place = { id, execId: what };
      await tasks.exec({ ...place, ...both(uri), spec: processSpec(["true"]) });
      assert.match((await refusalOf(tasks.start(place))).message, text, what);
      await tasks.delete(place);
    }
    assert.equal(childrenOf(pid), [made.pid]);
    assert.is(descriptors(pid).length, before);
  });
});

/** Says that it is ready, and never reads. */
function idler(): { uri: string; pid(): number } {
  const folder = freshDirectory();
  const uri = logger(`trap '' TERM; echo $$ > ${folder}/pid; echo >&5; exec sleep 1000`, v2);
  return { uri, pid: () => Number(readFileSync(join(folder, "pid"), "utf8")) };
}

test("who writes to a program that was killed is told so, and the log tells why", async () => {
  const idle = idler();
  const streams = clientStreams({ stdin: true });
  await withShim({ patch: endless }, async ({ id, tasks, create, log }) => {
    await create();
    await tasks.start({ id });
    const place = { id, execId: "e" };
    const spec = processSpec(["sh", "-c", "read line; echo $line"]);
    await tasks.exec({ ...place, stdin: streams.names.stdin, ...both(idle.uri), spec });
    await tasks.start(place);
    process.kill(idle.pid(), SIGKILL);
    const word = "the logging program /bin/sh ended with 137";
    await waitUntil("word of its end", () => log().includes(word));
    assert.is((await tasks.state(place)).status, STATUS.running);
    streams.write("too late\n");
    assert.is(await finish(tasks, place), SIGPIPE_CODE);
  });
  streams.leave();
});

test("a program that does not read keeps nobody else, and has 12 seconds after the end", async () => {
  const idle = idler();
  await withShim({ patch: { process: script("yes") } }, async ({ id, tasks, create }) => {
    await create(both(idle.uri));
    await tasks.start({ id });
    const kept = keeper();
    const place = { id, execId: "e" };
    await tasks.exec({ ...place, ...both(kept.uri), spec: processSpec(["echo", "out"]) });
    await tasks.start(place);
    assert.is(await finish(tasks, place), 0);
    assert.is(kept.read("stdout"), "out\n");
    await tasks.kill({ id, signal: SIGKILL });
    const startMs = performance.now();
    assert.is(await finish(tasks, { id }), 137);
    assert.ok(performance.now() - startMs > 11_000);
    assert.not(isRunning(idle.pid()));
  });
});

test("two containers append to one file, whose folders are made", async () => {
  const folder = freshDirectory();
  mkdirSync(join(folder, "a/b"), { recursive: true });
  symlinkSync("a/b", join(folder, "link"));
  // By way of the link; and a name that is written with an escape.
  const uri = `file://${folder}/link/../new/folder%20of%20logs/l%C3%B6g`;
  const path = join(folder, "a/new/folder of logs/lög");
  const patch = { process: script("for n in 1 2 3; do echo out; echo err >&2; done") };
  const own = async ({ id, tasks, create }: Shim): Promise<void> => {
    await create(both(uri));
    await tasks.start({ id });
    assert.is(await finish(tasks, { id }), 0);
  };
  await Promise.all([withShim({ patch }, own), withShim({ patch }, own)]);
  const lines = readFileSync(path, "utf8").trim().split("\n");
  assert.equal(lines.toSorted(), [...Array(6).fill("err"), ...Array(6).fill("out")]);
  assert.is(statSync(path).mode & 0o777, 0o644);
});

test("a file takes a terminal's output, and standard input is the client's", async () => {
  const folder = freshDirectory();
  await withShim({ patch: endless }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    for (const terminal of [false, true]) {
      const streams = clientStreams({ stdin: true, terminal });
      const place = { id, execId: `e${terminal}` };
      const spec = processSpec(["sh", "-c", "read line; echo got $line"]);
      const uri = `file://${folder}/${terminal}`;
      await tasks.exec({ ...place, ...streams.names, ...both(uri), spec });
      await tasks.start(place);
      streams.write("words\n");
      assert.is(await finish(tasks, place), 0);
      streams.leave();
    }
  });
  assert.is(readFileSync(join(folder, "false"), "utf8"), "got words\n");
  assert.is(readFileSync(join(folder, "true"), "utf8"), "words\r\ngot words\r\n");
});

test("a file that cannot be written is an error that names it", async () => {
  const fifo = clientStreams();
  const faults: [uri: string, code: number, text: RegExp][] = [
    ["file:///tmp/%E0%A4", 3, /the URI file:\/\/\/tmp\/%E0%A4: "\/tmp\/%E0%A4" is not UTF-8/],
    ["file://tmp/log", 3, /the URI file:\/\/tmp\/log: wanted file:\/\/\/PATH/],
    ["file:///etc/passwd/log", 2, /"\/etc\/passwd\/log".*: not a directory/],
    [`file://${fifo.names.stdout}`, 2, /stdout".*: no such device or address/],
  ];
  fifo.leave();
  await fifo.stdout.ended;
  await withShim({}, async ({ pid, create }) => {
    const before = descriptors(pid).length;
    for (const [uri, code, text] of faults) {
      const { message, code: got } = await refusalOf(create(both(uri)));
      assert.match(message, text);
      assert.is(got, code, uri);
    }
    assert.is(descriptors(pid).length, before);
    await create();
  });
});

test("input that is closed while the container is being made is at its end", async () => {
  const hooks = hookFolder();
  const wait = hooks.add(
    "wait",
    "/bin/touch $DIR/begun; while ! [ -e $DIR/go ]; do sleep 0.05; done",
  );
  const patch = { process: script("cat"), hooks: { createRuntime: [{ path: wait }] } };
  const streams = clientStreams({ stdin: true });
  await withShim({ patch }, async ({ id, tasks, create }) => {
    const made = create(streams.names);
    await waitUntil("the hook", () => hooks.read("begun") !== undefined);
    streams.write("all\n");
    await tasks.closeIO({ id, stdin: true });
    streams.closeInput();
    writeFileSync(join(hooks.directory, "go"), "");
    await made;
    await tasks.start({ id });
    assert.is(await finish(tasks, { id }), 0);
    assert.is((await streams.stdout.ended).stdout, "all\n");
  });
});

runTests({ atEnd: async () => events.stop() });
