// A terminal of a process in a container that is there: `exec --tty`, in the foreground and by way
// of a console socket.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inUserNamespace, type Json, type Patch } from "../support/bundle.ts";
import { type Container, withContainer } from "../support/container.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { key, runtOf, startOn, type Terminal, withTerminal } from "../support/terminal.ts";
import { withReceiver } from "../support/with-receiver.ts";

/** A running container; sees that no pty is left in it. */
function withRunning(use: (container: Container) => Promise<void>, patch: Patch = {}) {
  const sleeper = { process: { args: ["/bin/sleep", "1000"] } };
  return withContainer({ ...sleeper, ...patch }, async (container) => {
    await container.does("start");
    await use(container);
    const left = await runt(["exec", container.id, "/bin/ls", "/dev/pts"]);
    if (left.code === 0) assert.is(left.stdout, "ptmx\n");
  });
}

/** Executes on a terminal, and sees that its modes are as before. Returns the exit code. */
async function onTerminal(
  args: readonly string[],
  use: (terminal: Terminal) => Promise<void>,
): Promise<number> {
  let code = -1;
  await withTerminal(async (terminal) => {
    const before = terminal.stty("-g");
    const child = startOn(terminal, runtOf("exec", ...args));
    await use(terminal);
    code = await child.exited;
    assert.is(terminal.stty("-g"), before, terminal.shown());
  });
  return code;
}

function processFile(process: Record<string, Json>): string {
  const file = join(room.directory, `${freshName()}.json`);
  const base = { cwd: "/", env: ["PATH=/bin", "PS1=> "], user: { uid: 0, gid: 0 }, terminal: true };
  writeFileSync(file, JSON.stringify({ ...base, ...process }));
  return file;
}

for (const [where, patch] of [
  ["a container", {}],
  ["a user namespace", { linux: inUserNamespace }],
] as const) {
  test(`a shell in ${where} has a terminal of the container's, and its keys`, async () => {
    await withRunning(async ({ id }) => {
      const flags = ["--tty", "--user", "1000:1000", "--env", "PS1=> "];
      const code = await onTerminal([...flags, id, "/bin/sh", "-i"], async (terminal) => {
        await terminal.shows("> ");
        terminal.type("stat -c %u:%g:%a $(tty); tty; stty size\n");
        await terminal.shows(/1000:5:620\s+\/dev\/pts\/0\s+33 99/);
        terminal.resize({ height: 44, width: 101 });
        terminal.type("sleep 100\n");
        // A key that signals throws away what has not been read yet.
        await terminal.shows("sleep 100\r\n");
        await terminal.typeUntil(key("Z"), /Stopped +sleep 100/);
        terminal.type("bg; jobs; stty size\n");
        await terminal.shows("Running");
        await terminal.shows("44 101");
        terminal.type("kill -9 %1; wait; trap 'exit 4' INT; echo trapped\n");
        await terminal.shows("\ntrapped");
        terminal.type("sleep 100\n");
        await terminal.typeUntil(key("C"), /\^C/);
        terminal.type("exit 4\nexit 4\n");
      });
      assert.is(code, 4);
    }, patch);
  });
}

test("a process file says that there is a terminal, and its size", async () => {
  await withRunning(async ({ id }) => {
    const text = "stty size; test -t 0 && : < /dev/tty && echo controls; exit 3";
    const consoleSize = { height: 12, width: 34 };
    const file = processFile({ args: ["/bin/sh", "-c", text], consoleSize });
    const code = await onTerminal(["--process", file, id], async (terminal) => {
      await terminal.shows(/12 34\s+controls/);
    });
    assert.is(code, 3);
  });
});

test("whoever holds the terminal still does not keep exec from its end, and loses it", async () => {
  await withRunning(async ({ id }) => {
    const text =
      "sh -c 'trap \"echo hung up > /tmp/up\" HUP; sleep 100 & wait' & sleep 0.1; exit 2";
    const shell = ["/bin/sh", "-c", text];
    assert.is(await onTerminal(["--tty", id, ...shell], async () => {}), 2);
    const wait = "until test -s /tmp/up; do sleep 0.02; done; cat /tmp/up";
    const { stdout } = await runt(["exec", id, "/bin/sh", "-c", wait]);
    assert.is(stdout, "hung up\n");
  });
});

test("the terminal is as before when the container is deleted meanwhile", async () => {
  await withRunning(async ({ id, does }) => {
    const shell = ["/bin/sh", "-c", "echo ready; sleep 100"];
    const code = await onTerminal(["--tty", id, ...shell], async (terminal) => {
      await terminal.shows("ready");
      await does("kill", "KILL");
    });
    assert.is(code, 137);
  });
});

test("the end of the caller's input is not the end of the output", async () => {
  await withRunning(async ({ id }) => {
    const shell = ["/bin/sh", "-c", "sleep 0.1; echo shown; exit 6"];
    const { code, stdout } = await runt(["exec", "--tty", id, ...shell]);
    assert.equal([code, stdout], [6, "shown\r\n"]);
  });
});

test("detached, the terminal goes to the console socket", async () => {
  await withRunning(async ({ id }) => {
    const consoleSize = { height: 12, width: 34 };
    const args = ["/bin/sh", "-c", "read word; echo got $word; stty size; tty"];
    await withReceiver("hello\n", async (socket, shown) => {
      const file = processFile({ args, consoleSize });
      const flags = ["--detach", "--process", file, "--console-socket", socket];
      const { code, stderr } = await runt(["exec", ...flags, id]);
      assert.is(code, 0, stderr);
      assert.match(await shown(), /received\n(hello\r\n)?got hello\r\n12 34\r\n\/dev\/pts\/0\r\n/);
    });
  });
});

test("a terminal and a console socket come together, or not at all", async () => {
  await withRunning(async ({ id }) => {
    const socket = join(freshDirectory(), "s");
    const needless = /cannot use console socket if runt will not detach or allocate tty/;
    const missing = /cannot allocate tty if runt will detach without setting console socket/;
    for (const [flags, expected] of [
      [["--detach", "--tty"], missing],
      [["--detach", "--console-socket", socket], needless],
      [["--tty", "--console-socket", socket], needless],
      [["--tty", "--detach", "--console-socket", socket], /connect.*no such file or directory/i],
    ] as const) {
      const { code, stderr } = await runt(["exec", ...flags, id, "/bin/true"]);
      assert.is(code, 255);
      assert.match(stderr, expected);
    }
  });
});

runTests();
