// The master of the terminal of a created container goes to a console socket.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { closeFd, O_DIRECTORY, O_PATH, open } from "../../runtime/sys/file.ts";
import { bindDatagramAt } from "../../runtime/sys/socket.ts";
import { bundle, type Patch, script } from "../support/bundle.ts";
import { run, stateOf, withContainer } from "../support/container.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";
import { withReceiver } from "../support/with-receiver.ts";

function terminal(text: string, more: Patch = {}): Patch {
  return { process: { ...script(text), terminal: true, ...more } };
}

/** Creates a container that sends its terminal to a receiver. */
function withTerminalSent(
  patch: Patch,
  typed: string,
  use: (start: () => Promise<string>) => Promise<void>,
): Promise<void> {
  return withReceiver(typed, (socket, shown) =>
    withContainer(
      patch,
      async ({ does }) => {
        await use(async () => {
          await does("start");
          return shown();
        });
      },
      { flags: ["--console-socket", socket] },
    ),
  );
}

test("create sends the master of the terminal to the console socket", async () => {
  const patch = terminal("read word; echo got $word; tty");
  await withTerminalSent(patch, "hello\n", async (start) => {
    const shown = await start();
    assert.match(shown, /received/);
    assert.match(shown, /got hello/);
    assert.match(shown, /\/dev\/(pts\/0|console)/);
  });
});

test("the terminal has the configured size, which means nothing without a terminal", async () => {
  if (foreignRuntime) return;
  const consoleSize = { height: 12, width: 34 };
  await withTerminalSent(terminal("stty size", { consoleSize }), "", async (start) => {
    assert.match(await start(), /12 34/);
  });
  const { code, stderr } = await run({ process: { consoleSize } });
  assert.is(code, 0, stderr);
  shows("config.process.consoleSize.ignored");
});

test("a terminal of another user belongs to that user", async () => {
  const patch = terminal("stat -c %u $(tty)", { user: { uid: 1000, gid: 1000 } });
  await withTerminalSent(patch, "", async (start) => {
    assert.match(await start(), /^1000\r?$/m);
  });
});

test("a terminal and a console socket come together, or not at all", async () => {
  const id = freshName();
  const withTerminal = bundle(terminal("true"));
  const socket = join(freshDirectory(), "s");
  const needless = /cannot use console socket if runt will not detach or allocate tty/;
  const missing = /cannot allocate tty if runt will detach without setting console socket/;
  for (const [args, expected] of [
    [["create", "--bundle", withTerminal], missing],
    [["run", "--detach", "--bundle", withTerminal], missing],
    [["create", "--bundle", bundle({}), "--console-socket", socket], needless],
    [["run", "--detach", "--bundle", bundle({}), "--console-socket", socket], needless],
    [["run", "--bundle", withTerminal, "--console-socket", socket], needless],
  ] as const) {
    const { code, stderr } = await runt([...args, id]);
    assert.is(code, 1);
    if (!foreignRuntime) assert.match(stderr, expected);
    assert.is(await stateOf(id), undefined);
  }
});

test("a console socket that takes no connection is an error and leaves nothing", async () => {
  const id = freshName();
  const folder = freshDirectory();
  const file = join(folder, "file");
  writeFileSync(file, "");
  const place = open(folder, O_PATH | O_DIRECTORY);
  const datagrams = bindDatagramAt(place, "datagrams");
  const long = join(folder, "l".repeat(120), "nobody");
  for (const [socket, expected] of [
    [join(folder, "nobody"), /connect.*nobody.*no such file or directory/i],
    [long, /connect.*nobody.*no such file or directory/i],
    [file, /connect.*file.*connection refused/i],
    [folder, /connect.*connection refused/i],
    [join(folder, "datagrams"), /connect.*datagrams.*EPROTOTYPE/],
  ] as const) {
    const directory = bundle(terminal("true"));
    const command = ["create", "--bundle", directory, "--console-socket", socket, id];
    const { code, stderr } = await runt(command);
    assert.is(code, 1);
    if (!foreignRuntime) assert.match(stderr, expected);
    assert.is(await stateOf(id), undefined);
  }
  closeFd(datagrams);
  closeFd(place);
});

test("a console socket that is closed half-way is an error and leaves nothing", async () => {
  const id = freshName();
  const path = join(freshDirectory(), "s");
  const listener = Bun.listen({
    unix: path,
    socket: { open: (socket) => void socket.terminate(), data: () => {} },
  });
  try {
    // The close may come after the terminal, once in a while.
    await waitUntil("a refusal", async () => {
      const directory = bundle(terminal("true"));
      const command = ["create", "--bundle", directory, "--console-socket", path, id];
      const { code, stderr } = await runt(command);
      if (code === 0) await runt(["delete", "--force", id]);
      return code !== 0 && (foreignRuntime || /console\.send .*broken pipe/i.test(stderr));
    });
    assert.is(await stateOf(id), undefined);
  } finally {
    listener.stop(true);
  }
});

runTests();
