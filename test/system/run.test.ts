// `run`: the container's exit code, signals, streams, pid file, --detach and --keep.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, script } from "../support/bundle.ts";
import { run, stateOf, withContainer, withScript } from "../support/container.ts";
import { openWith } from "../support/open-with.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { runt, startRunt } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

test("run ends with the program's exit code", async () => {
  for (const code of [0, 1, 7, 125, 255]) {
    assert.is((await run(withScript(`exit ${code}`))).code, code);
  }
});

test("run ends with 128 and the signal when the program is killed", async () => {
  for (const [name, number] of [
    ["KILL", 9],
    ["TERM", 15],
    ["USR1", 10],
  ] as const) {
    const { code, stderr } = await run(withScript(`kill -${name} $$; sleep 9`, sharedPids));
    assert.is(code, 128 + number, stderr);
  }
});

/** Inside a pid namespace of its own, init is not killed by its own signals. */
const sharedPids = { hostname: undefined, linux: { namespaces: [{ type: "mount" }] } };

test("standard input, output and error are the container's own", async () => {
  const { code, stdout, stderr } = await run(withScript("cat; echo err >&2"), { stdin: "in\n" });
  assert.equal({ code, stdout, stderr }, { code: 0, stdout: "in\n", stderr: "err\n" });
});

test("a megabyte goes through standard input and output unchanged", async () => {
  const text = "0123456789abcde\n".repeat(65_536);
  const { stdout } = await run(withScript("cat"), { stdin: text });
  assert.ok(stdout === text);
});

test("the container is gone after run", async () => {
  const id = freshName();
  assert.is((await runt(["run", "--bundle", bundle({}), id])).code, 0);
  assert.is(await stateOf(id), undefined);
});

test("run forwards signals to the program", async () => {
  for (const name of ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT", "ALRM", "CONT", "PIPE"]) {
    const text = `trap 'echo got ${name}; exit 3' ${name}; echo ready; while true; do sleep 0.01; done`;
    const running = startRunt(["run", "--bundle", bundle(withScript(text)), freshName()]);
    await waitUntil("trap", () => running.stdout() === "ready\n");
    process.kill(running.pid, `SIG${name}`);
    const { code, stdout } = await running.ended;
    assert.is(stdout, `ready\ngot ${name}\n`);
    assert.is(code, 3, name);
  }
});

test("children that outlive the program die with the container", async () => {
  const startedMs = performance.now();
  const { code } = await run(withScript("sleep 50 & exit 4"));
  assert.is(code, 4);
  assert.ok(performance.now() - startedMs < 10_000);
});

test("in a shared pid namespace, orphans are gone too when run returns", async () => {
  const marker = `${1000 + Math.floor(Math.random() * 100_000)}`;
  const text = `setsid sleep ${marker} & (setsid sleep ${marker} &) ; exit 4`;
  const { code } = await run(withScript(text, sharedPids));
  assert.is(code, 4);
  const listed = Bun.spawnSync(["ps", "-eo", "stat,args"]).stdout.toString().split("\n");
  assert.equal(
    listed.filter((line) => line.includes(`sleep ${marker}`) && !/^Z/.test(line)),
    [],
  );
});

test("create --pidfd-socket sends a descriptor of init", async () => {
  const folder = freshDirectory();
  const program = join(import.meta.dir, "../support/descriptor-receiver.ts");
  const receiver = Bun.spawn([process.execPath, program, folder, "s"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    timeout: 15_000,
  });
  const socket = join(folder, "s");
  await waitUntil("socket", () => existsSync(socket));
  if (foreignRuntime) return receiver.kill();
  const sleeper = { process: { args: ["/bin/sleep", "100"] } };
  const flags = ["--pidfd-socket", socket];
  await withContainer(
    sleeper,
    async ({ state }) => {
      const text = await new Response(receiver.stdout).text();
      assert.match(text, /^anon_inode:\[pidfd\]\n/);
      assert.is(/^Pid:\s+(\d+)$/m.exec(text)?.[1], `${(await state()).pid}`);
    },
    { flags },
  );
});

test("run --detach returns at once and leaves the container running", async () => {
  const id = freshName();
  const directory = bundle({ process: script("sleep 100") });
  const { code, stdout, stderr } = await runt(["run", "--detach", "--bundle", directory, id]);
  assert.equal({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  assert.is((await stateOf(id))?.status, "running");
  assert.is((await runt(["delete", "--force", id])).code, 0);
});

test("run --keep leaves a stopped container", async () => {
  const id = freshName();
  const { code } = await runt(["run", "--keep", "--bundle", bundle(withScript("exit 5")), id]);
  assert.is(code, 5);
  assert.is((await stateOf(id))?.status, "stopped");
  assert.is((await runt(["delete", id])).code, 0);
});

test("the pid file holds the digits of init's pid and nothing else", async () => {
  const file = join(freshDirectory(), "pid");
  const options = { flags: ["--pid-file", file] };
  await withContainer(
    { process: script("sleep 100") },
    async ({ state }) => {
      assert.is(readFileSync(file, "utf8"), `${(await state()).pid}`);
      assert.is(statSync(file).mode & 0o111, 0);
    },
    options,
  );
});

test("the pid file is never seen empty or half-written", async () => {
  const file = join(freshDirectory(), "pid");
  const seen = new Set<string>();
  const id = freshName();
  const directory = bundle({ process: script("sleep 100") });
  const running = startRunt(["create", "--bundle", directory, "--pid-file", file, id]);
  let over = false;
  const ended = running.ended.finally(() => {
    over = true;
  });
  while (!over) {
    const text = await Bun.file(file)
      .text()
      .catch(() => undefined);
    if (text !== undefined) seen.add(text);
    await Bun.sleep(0);
  }
  assert.is((await ended).code, 0);
  const pid = (await stateOf(id))?.pid;
  assert.is((await runt(["delete", "--force", id])).code, 0);
  seen.add(readFileSync(file, "utf8"));
  assert.equal([...seen], [`${pid}`]);
});

test("a pid file that cannot be written fails the create and leaves no container", async () => {
  const id = freshName();
  const file = join(freshDirectory(), "missing", "pid");
  const { code, stderr } = await runt(["create", "--bundle", bundle({}), "--pid-file", file, id]);
  assert.is(code, 1);
  assert.match(stderr, /no such file or directory/i);
  assert.is(await stateOf(id), undefined);
});

test("preserved descriptors are open in the program, and no others", async () => {
  const text = "cat <&3; cat <&4; ls /proc/self/fd";
  const directory = freshDirectory();
  const fds = ["a", "b", "c"].map((name) => openWith(join(directory, name), `${name}\n`));
  const command = ["run", "--preserve-fds", "2", "--bundle", bundle(withScript(text)), freshName()];
  const { stdout, stderr } = await runt(command, { fds });
  // ls itself opens one: the directory.
  assert.is(stdout, "a\nb\n0\n1\n2\n3\n4\n5\n", stderr);
});

test("LISTEN_FDS hands over that many descriptors and sets LISTEN_PID to 1", async () => {
  const directory = freshDirectory();
  const fds = ["a", "b"].map((name) => openWith(join(directory, name), `${name}\n`));
  const command = [
    ...["run", "--preserve-fds", "1", "--bundle"],
    bundle(withScript("cat <&3; cat <&4; echo $LISTEN_FDS $LISTEN_PID")),
    freshName(),
  ];
  const through = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"];
  const { stdout, stderr } = await runt(command, { fds, through, env: { LISTEN_FDS: "1" } });
  assert.is(stdout, "a\nb\n1 1\n", stderr);
});

test("preserving a descriptor that is not open is refused", async () => {
  const command = ["run", "--preserve-fds", "9", "--bundle", bundle({}), freshName()];
  const { code, stderr } = await runt(command);
  assert.is(code, 1);
  assert.match(stderr, /preserve/i);
});

runTests();
