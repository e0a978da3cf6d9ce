// Terminals: a shell under `run`, and the master of the terminal sent to a console socket.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, type Patch, script } from "../support/bundle.ts";
import { run, stateOf, withContainer } from "../support/container.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt, runtime } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

function terminal(text: string, more: Patch = {}): Patch {
  return { process: { ...script(text), terminal: true, ...more } };
}

/**
 * Runs a shell command line with a terminal; the terminal's output and the exit code.
 *
 * @param typed what to type, once the output has `after` in it
 */
async function underTerminal(
  command: string,
  { cwd, typed = "", after = "" }: { cwd: string; typed?: string; after?: string },
): Promise<{ code: number; shown: string }> {
  const child = Bun.spawn(["script", "-qec", command, "/dev/null"], {
    cwd,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", TERM: "dumb", RUNT_TEST_ROOM: room.directory },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  let shown = "";
  const reading = (async () => {
    for await (const some of child.stdout) shown += Buffer.from(some).toString();
  })();
  await waitUntil(after, () => shown.includes(after));
  child.stdin.write(typed);
  child.stdin.flush();
  const code = await child.exited;
  clearTimeout(timer);
  await reading;
  return { code, shown };
}

const CONTROL_C = String.fromCharCode(3);

function runCommand(id: string): string {
  return `${runtime} --root ${room.root} run ${id}`;
}

test("runt spec and run give a shell on a terminal", async () => {
  const directory = freshDirectory();
  Bun.spawnSync(["cp", "-a", newRootfs(), join(directory, "rootfs")]);
  const spec = await runt(["spec"], { cwd: directory });
  assert.equal(spec, { code: 0, stdout: "", stderr: "" });
  const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
  assert.is(config.process.terminal, true);
  const typed = "tty; echo $((20+22)); exit 3\n";
  const { code, shown } = await underTerminal(runCommand(freshName()), { cwd: directory, typed });
  assert.match(shown, /\/dev\/pts\/0|\/dev\/console/);
  assert.match(shown, /^42\r?$/m);
  assert.is(code, 3);
});

test("spec does not overwrite a config.json", async () => {
  const directory = freshDirectory();
  writeFileSync(join(directory, "config.json"), "mine");
  const { code, stderr } = await runt(["spec"], { cwd: directory });
  assert.is(code, 1);
  assert.match(stderr, /exist/);
  assert.is(readFileSync(join(directory, "config.json"), "utf8"), "mine");
});

test("the three streams are the terminal, which is the controlling one", async () => {
  const text = "for n in 0 1 2; do test -t $n && echo tty$n; done; : < /dev/tty && echo controls";
  const directory = bundle(terminal(text));
  const { code, shown } = await underTerminal(runCommand(freshName()), { cwd: directory });
  assert.equal(shown.match(/tty\d|controls/g), ["tty0", "tty1", "tty2", "controls"]);
  assert.is(code, 0);
  shows("linux.default-devices");
});

test("a key that interrupts reaches the program in the container", async () => {
  const directory = bundle(
    terminal("trap 'echo interrupted; exit 7' INT; echo ready; while true; do sleep 0.02; done"),
  );
  const { code, shown } = await underTerminal(runCommand(freshName()), {
    cwd: directory,
    typed: CONTROL_C,
    after: "ready",
  });
  assert.match(shown, /interrupted/);
  assert.is(code, 7);
});

test("the caller's terminal is as before when the container has ended", async () => {
  const directory = bundle(terminal("stty raw -echo; exit 0"));
  const command = `stty -a > before; ${runCommand(freshName())}; stty -a > after`;
  await underTerminal(command, { cwd: directory });
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");
  assert.ok(read("before").length > 100);
  assert.is(read("after"), read("before"));
});

test("the terminal has the caller's size, or the configured one", async () => {
  const own = bundle(terminal("stty size"));
  const command = `stty rows 33 cols 99; ${runCommand(freshName())}`;
  const { shown } = await underTerminal(command, { cwd: own });
  assert.match(shown, /33 99/);
});

/** Starts the receiver and creates a container that sends its terminal there. */
async function withReceiver(
  patch: Patch,
  typed: string,
  use: (start: () => Promise<string>) => Promise<void>,
): Promise<void> {
  const folder = freshDirectory();
  const receiver = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../support/console-receiver.ts"), folder, "s", typed],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  const timer = setTimeout(() => receiver.kill("SIGKILL"), 15_000);
  try {
    const socket = join(folder, "s");
    await waitUntil("socket", () => existsSync(socket));
    await withContainer(
      patch,
      async ({ does }) => {
        await use(async () => {
          await does("start");
          return new Response(receiver.stdout).text();
        });
      },
      { flags: ["--console-socket", socket] },
    );
  } finally {
    clearTimeout(timer);
    receiver.kill("SIGKILL");
    await receiver.exited;
  }
}

test("create sends the master of the terminal to the console socket", async () => {
  const patch = terminal("read word; echo got $word; tty");
  await withReceiver(patch, "hello\n", async (start) => {
    const shown = await start();
    assert.match(shown, /received/);
    assert.match(shown, /got hello/);
    assert.match(shown, /\/dev\/(pts\/0|console)/);
  });
});

test("the terminal has the configured size, which means nothing without a terminal", async () => {
  if (foreignRuntime) return;
  const consoleSize = { height: 12, width: 34 };
  await withReceiver(terminal("stty size", { consoleSize }), "", async (start) => {
    assert.match(await start(), /12 34/);
  });
  const { code, stderr } = await run({ process: { consoleSize } });
  assert.is(code, 0, stderr);
  shows("config.process.consoleSize.ignored");
});

test("a terminal of another user belongs to that user", async () => {
  const patch = terminal("stat -c %u $(tty)", { user: { uid: 1000, gid: 1000 } });
  await withReceiver(patch, "", async (start) => {
    assert.match(await start(), /^1000\r?$/m);
  });
});

test("create with a terminal and without a socket is an error, and the other way round", async () => {
  const id = freshName();
  const without = await runt(["create", "--bundle", bundle(terminal("true")), id]);
  assert.is(without.code, 1);
  assert.match(without.stderr, /console/);
  const socket = join(freshDirectory(), "s");
  const needless = await runt(["create", "--bundle", bundle({}), "--console-socket", socket, id]);
  assert.is(needless.code, 1);
  assert.match(needless.stderr, /console/);
  assert.is(await stateOf(id), undefined);
});

test("a console socket that nobody listens on is an error and leaves nothing", async () => {
  const id = freshName();
  const socket = join(freshDirectory(), "nobody");
  const directory = bundle(terminal("true"));
  const { code, stderr } = await runt([
    ...["create", "--bundle", directory, "--console-socket", socket, id],
  ]);
  assert.is(code, 1);
  assert.match(stderr, /no such file or directory/i);
  assert.is(await stateOf(id), undefined);
});

test("run with a terminal and without one on standard input still runs", async () => {
  const { code, stdout, stderr } = await run(terminal("echo shown"));
  if (foreignRuntime) return;
  assert.is(code, 0, stderr);
  assert.match(stdout, /shown/);
});

runTests();
