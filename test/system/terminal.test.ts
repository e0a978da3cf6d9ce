// A terminal of a container in the foreground: what is typed and shown, the modes and the size of
// the caller's terminal, signals, and every way out.

import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, inUserNamespace, type Json, type Patch, script } from "../support/bundle.ts";
import { run, stateOf } from "../support/container.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { key, runtOf, startOn, type Terminal, withTerminal } from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";

type Streams = Parameters<typeof startOn>[2];

/** Runs a container of a patch on a terminal, and sees that its modes are restored and it is gone. */
async function onTerminal(
  text: string,
  use: (terminal: Terminal, running: { id: string; pid: number }) => Promise<void>,
  { code = 0, patch = {}, streams = {} }: { code?: number; patch?: Patch; streams?: Streams } = {},
): Promise<void> {
  const id = freshName();
  const directory = bundle(terminalOf(text, patch));
  await withTerminal(async (terminal) => {
    const before = terminal.stty("-g");
    const child = startOn(terminal, runtOf("run", "--bundle", directory, id), streams);
    await use(terminal, { id, pid: child.pid });
    assert.is(await child.exited, code, terminal.shown());
    assert.is(terminal.stty("-g"), before);
    assert.is(await stateOf(id), undefined);
  });
}

/** The patch with a terminal for a script. */
function terminalOf(text: string, { process = {}, ...rest }: Patch): Patch {
  const more = typeof process === "object" && !Array.isArray(process) ? process : {};
  return { ...rest, process: { ...script(text), terminal: true, ...more } };
}

test("runt spec and run give a shell on a terminal", async () => {
  const directory = freshDirectory();
  Bun.spawnSync(["cp", "-a", newRootfs(), join(directory, "rootfs")]);
  const spec = await runt(["spec"], { cwd: directory });
  assert.equal(spec, { code: 0, stdout: "", stderr: "" });
  await withTerminal(async (terminal) => {
    const child = startOn(terminal, runtOf("run", freshName()), { cwd: directory });
    terminal.type("tty; echo $((20+22)); exit 3\n");
    assert.is(await child.exited, 3);
    assert.match(terminal.shown(), /\/dev\/(pts\/0|console)/);
    assert.match(terminal.shown(), /^42\r?$/m);
  });
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
  await onTerminal(text, async (terminal) => {
    await terminal.shows("controls");
    assert.equal(terminal.shown().match(/tty\d|controls/g), ["tty0", "tty1", "tty2", "controls"]);
  });
  shows("linux.default-devices");
});

test("keys that signal reach the program, and so does the end of its input", async () => {
  const text = [
    ...["INT", "QUIT", "TSTP"].map((name) => `trap 'seen="$seen ${name}"' ${name}`),
    "echo ready; until test \"$seen\" = ' INT QUIT TSTP'; do read -t 1 line; done",
    "echo seen$seen; while read line; do echo line $line; done; exit 7",
  ].join("\n");
  await onTerminal(
    text,
    async (terminal) => {
      await terminal.shows("ready");
      for (const [letter, shown] of [
        ["C", "^C"],
        ["\\", "^\\"],
        ["Z", "^Z"],
      ] as const) {
        terminal.type(key(letter));
        await terminal.shows(shown);
      }
      await terminal.shows("seen INT QUIT TSTP");
      terminal.type(`word\n${key("D")}`);
      await terminal.shows("line word");
    },
    { code: 7 },
  );
});

test("the caller's terminal is raw meanwhile, whatever its modes were, and what has changed them", async () => {
  const directory = bundle(terminalOf("echo ready; read line; echo got $line", {}));
  await withTerminal(async (terminal) => {
    terminal.stty("-icanon", "min", "0", "time", "3");
    const before = terminal.stty("-g");
    const child = startOn(terminal, runtOf("run", "--bundle", directory, freshName()));
    await terminal.shows("ready");
    for (const mode of ["-icanon", "-echo", "-isig", "-opost", "-ixon", "min = 1", "time = 0"]) {
      assert.match(terminal.stty("-a"), mode);
    }
    terminal.stty("sane");
    child.kill("SIGSTOP");
    child.kill("SIGCONT");
    await waitUntil("raw again", () => terminal.stty("-a").includes("-icanon"));
    terminal.stty("sane", "-echo");
    terminal.type("word\n");
    assert.is(await child.exited, 0);
    assert.match(terminal.shown(), /got word/);
    assert.is(terminal.stty("-g"), before);
  });
});

test("run in the background of a shell waits for the terminal until it comes to the foreground", async () => {
  const directory = bundle(terminalOf("tty; exit 5", {}));
  await withTerminal(async (terminal) => {
    const shell = startOn(terminal, ["sh", "-i"]);
    terminal.type(`${runtOf("run", "--bundle", directory, freshName()).join(" ")} & job=$!\n`);
    terminal.type("until grep -q 'State:.T' /proc/$job/status; do sleep 0.05; done; echo stop$?\n");
    await terminal.shows("stop0");
    assert.match(terminal.stty("-a"), /[^-]icanon/);
    terminal.type("fg; echo code$?\n");
    await terminal.shows("code5");
    terminal.type("exit\n");
    await shell.exited;
  });
});

test("the terminal has the size of the caller's and follows it", async () => {
  const text = "trap 'stty size' WINCH; stty size; until test -n \"$end\"; do read end; done";
  await onTerminal(text, async (terminal) => {
    await terminal.shows("33 99");
    terminal.resize({ height: 44, width: 101 });
    await terminal.shows("44 101");
    terminal.type("end\n");
  });
});

test("a configured size is the one at the beginning", async () => {
  const patch = { process: { consoleSize: { height: 12, width: 34 } } };
  const text = `trap 'stty size' WINCH; stty size; until test -n "$end"; do read end; done`;
  await onTerminal(
    text,
    async (terminal) => {
      await terminal.shows("12 34");
      terminal.resize({ height: 44, width: 101 });
      await terminal.shows("44 101");
      terminal.type("end\n");
    },
    { patch },
  );
});

test("only the output may be a terminal, whose modes stay", async () => {
  await onTerminal(
    "stty size; echo shown; read end; echo over",
    async (terminal, { pid }) => {
      await terminal.shows(/33 99\s+shown/);
      assert.match(terminal.stty("-a"), /[^-]icanon/);
      process.kill(pid, "SIGHUP");
    },
    {
      code: 129,
      streams: { stdin: "pipe" },
      patch: {
        process: {
          args: ["/bin/sh", "-c", "trap 'exit 129' HUP; stty size; echo shown; read end"],
        },
      },
    },
  );
});

test("the output goes to a file, the input comes from the terminal", async () => {
  const path = join(room.directory, freshName());
  writeFileSync(path, "before\n");
  const file = openSync(path, "a");
  await onTerminal(
    "echo ready; read line; echo got $line",
    async (terminal) => {
      await waitUntil("ready", () => readFileSync(path, "utf8").includes("ready"));
      terminal.type("word\n");
    },
    { streams: { stdout: file } },
  );
  closeSync(file);
  assert.match(readFileSync(path, "utf8"), /^before\nready\r\n(word\r\n)?got word\r\n$/);
});

test("the end of the caller's input is not the end of the output", async () => {
  const text = "sleep 0.2; echo shown; exit 6";
  const closed = ["sh", "-c", 'exec "$@" <&-', "sh"];
  for (const [through, stdin] of [
    [[], undefined],
    [[], "typed"],
    [closed, undefined],
  ] as const) {
    const { code, stdout, stderr } = await runt(
      ["run", "--bundle", bundle(terminalOf(text, {})), freshName()],
      { through, ...(stdin && { stdin }) },
    );
    assert.match(stdout, /shown\r\n/, stderr);
    assert.is(code, 6);
  }
});

test("signals are passed on, and the terminal is as before", async () => {
  await onTerminal(
    "trap 'echo term; exit 9' TERM; echo ready; while true; do sleep 0.02; done",
    async (terminal, { pid }) => {
      await terminal.shows("ready");
      process.kill(pid, "SIGTERM");
      await terminal.shows("term");
    },
    { code: 9 },
  );
});

test("the terminal is as before when the container is deleted by another", async () => {
  await onTerminal(
    "echo ready; sleep 100",
    async (terminal, { id }) => {
      await terminal.shows("ready");
      assert.is((await runt(["delete", "--force", id])).code, 0);
    },
    { code: 137 },
  );
});

test("the terminal is as before when the program cannot be executed", async () => {
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "bin/odd"), "#!/no/such\n", { mode: 0o755 });
  const patch = { root: { path: rootfs }, process: { args: ["/bin/odd"] } };
  await onTerminal("", (terminal) => terminal.shows("interpreter").then(() => {}), {
    code: 1,
    patch,
  });
});

test("a container whose caller's terminal hangs up loses its own", async () => {
  const id = freshName();
  const text = "echo ready; read line; echo read $? > /dev/null; exit 4";
  const directory = bundle(terminalOf(text, {}));
  await withTerminal(async (terminal) => {
    const command = runtOf("run", "--bundle", directory, id);
    const child = startOn(terminal, command, { stderr: "ignore" });
    await terminal.shows("ready");
    terminal.hangUp();
    assert.is(await child.exited, 4);
    assert.is(await stateOf(id), undefined);
  });
});

test("a container whose reader has gone loses its terminal", async () => {
  const id = freshName();
  const directory = bundle(terminalOf("while echo y; do :; done; exit 5", {}));
  await withTerminal(async (terminal) => {
    const command = `{ ${runtOf("run", "--bundle", directory, id).join(" ")}; echo code$? >&2; } | head -n 1`;
    const child = startOn(terminal, ["sh", "-c", command]);
    await terminal.shows("code5");
    await child.exited;
    assert.is(await stateOf(id), undefined);
  });
});

test("nobody waits in a write: signals are passed on with both directions full", async () => {
  // Not the first of a pid namespace, which a signal that nobody handles does not end.
  const patch = { hostname: undefined, linux: { namespaces: [{ type: "mount" }] } };
  const directory = bundle(
    terminalOf("stty raw; while true; do echo yyyyyyyyyyyyyyy; done", patch),
  );
  for (const stdout of ["pipe", undefined] as const) {
    const id = freshName();
    await withTerminal(async (terminal) => {
      const command = runtOf("run", "--bundle", directory, id);
      const child = startOn(terminal, command, { ...(stdout && { stdout }) });
      const status = async () => (await stateOf(id))?.status;
      await waitUntil("a running container", async () => (await status()) === "running");
      await waitUntil("raw", () => terminal.stty("-a").includes("-icanon"));
      // More than all buffers hold; nothing is read meanwhile.
      assert.ok(terminal.fill("x".repeat(100_000)) < 100_000);
      child.kill("SIGTERM");
      await waitUntil("the end", async () => (await status()) !== "running");
      // Of the reader nothing is heard; another signal says that nobody waits for it.
      child.kill("SIGTERM");
      assert.is(await child.exited, 143);
    });
  }
});

test("ten megabytes go in and come out unharmed at the same time", async () => {
  const data = randomBytes(10_485_760);
  const hash = (some: Uint8Array): string => createHash("sha256").update(some).digest("hex");
  const text = `stty raw -echo; echo ready; head -c ${data.length}; echo; echo all`;
  await onTerminal(text, async (terminal) => {
    await terminal.shows("ready\n");
    terminal.type(data);
    await terminal.shows(/\nall\n$/);
    const shown = terminal.shownBytes();
    const begin = shown.indexOf("ready\n") + "ready\n".length;
    assert.is(hash(shown.subarray(begin, begin + data.length)), hash(data));
  });
});

test("an interactive shell has job control", async () => {
  const patch = { process: { args: ["/bin/sh", "-i"], env: ["PATH=/bin", "PS1=> "] } };
  await onTerminal(
    "",
    async (terminal) => {
      await terminal.shows("> ");
      terminal.type("sleep 100\n");
      // A key that signals throws away what has not been read yet.
      await terminal.shows("sleep 100\r\n");
      await terminal.typeUntil(key("Z"), /Stopped +sleep 100/);
      terminal.type("bg; jobs; kill %1; sleep 101 &\n");
      await terminal.shows("Running");
      terminal.type("fg\n");
      await terminal.shows("fg\r\nsleep 101\r\n");
      await terminal.typeUntil(key("Z"), /Stopped +sleep 101/);
      // The first is refused while there are stopped jobs.
      terminal.type("exit 3\nexit 3\n");
      await waitUntil("exit", () => terminal.shown().includes("exit 3"));
      assert.not.match(terminal.shown(), /can't access tty|job control/);
    },
    { code: 3, patch },
  );
});

test("/dev/console is the terminal, also when the image has a file there, and outlives its users", async () => {
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "dev/console"), "mine\n");
  const pts: Json = { destination: "/dev/pts", type: "devpts", source: "devpts" };
  const text = [
    "test $(stat -c %t:%T /dev/console) = $(stat -c %t:%T $(tty)) && echo same",
    "test -h /dev/console || echo no link",
    "exec < /dev/null > /dev/null 2>&1; sleep 0.1; echo later > /dev/console",
  ].join("\n");
  for (const patch of [
    {},
    {
      root: { path: rootfs },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }, pts],
    },
  ]) {
    await onTerminal(text, (terminal) => terminal.shows(/same\s+no link\s+later/).then(() => {}), {
      patch,
    });
  }
  assert.is(readFileSync(join(rootfs, "dev/console"), "utf8"), "mine\n");
});

test("the terminal belongs to the program's user and to the group that devpts gives, for both to write", async () => {
  const user = { uid: 1000, gid: 1000 };
  for (const patch of [{ process: { user } }, { process: { user }, linux: inUserNamespace }]) {
    await onTerminal(
      "stat -c %u:%g:%a $(tty) /dev/console; echo written > /dev/console",
      (terminal) => terminal.shows(/(1000:5:620\s+){2}written/).then(() => {}),
      { patch },
    );
  }
});

test("what is left in a terminal of the host's processes does not keep run from its end", async () => {
  const namespaces = [{ type: "mount" }];
  const text = "(trap '' HUP; while echo y; do :; done) & echo ready; exit 2";
  await onTerminal(text, (terminal) => terminal.shows("ready").then(() => {}), {
    code: 2,
    patch: { hostname: undefined, linux: { namespaces } },
  });
});

test("a terminal without devpts is refused with the mount that it takes", async () => {
  const mounts = [{ destination: "/proc", type: "proc", source: "proc" }];
  const { code, stderr } = await run(terminalOf("true", { mounts }));
  if (foreignRuntime) return;
  assert.is(code, 1);
  assert.match(stderr, /terminal\.open.*devpts on \/dev\/pts.*hint: add a mount/);
});

runTests();
