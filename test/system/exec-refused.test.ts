// Bad input to exec: each is refused with 255 and clear words, the container stays as it was, and
// nothing is left of the attempt.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inUserNamespace, type Json } from "../support/bundle.ts";
import { type Container, withContainer } from "../support/container.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { type RuntOptions, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const sleeping = { process: { args: ["/bin/sleep", "1000"] } };

async function withRunning(use: (container: Container) => Promise<void>): Promise<void> {
  await withContainer(sleeping, async (container) => {
    await container.does("start");
    await use(container);
    const { pid, status } = await container.state();
    assert.is(status, "running");
    assert.is((await runt(["ps", "--format", "json", container.id])).stdout, `[${pid}]\n`);
    const after = await runt(["exec", container.id, "true"]);
    assert.equal([after.code, after.stderr], [0, ""]);
  });
}

async function refuses(
  words: readonly string[],
  pattern: RegExp,
  options: RuntOptions = {},
): Promise<void> {
  const { code, stdout, stderr } = await runt(["exec", ...words], { limitMs: 5000, ...options });
  const command = words.join(" ").slice(0, 300);
  assert.is(code, 255, `${command}: ${stderr.slice(0, 2000)}`);
  assert.is(stdout, "");
  assert.match(stderr.replaceAll('\\"', '"'), pattern, command);
  assert.not.match(stderr, /internal error|\$bunfs|TypeError|\bat .*\(.*:\d+:\d+\)|\[object /);
  assert.ok(stderr.length < 10_000, `an error of ${stderr.length} bytes`);
}

function file(content: string): string {
  const path = join(room.directory, freshName());
  writeFileSync(path, content);
  return path;
}

function processFile(changes: { [key: string]: Json }): string {
  return file(JSON.stringify({ args: ["/bin/true"], cwd: "/", env: [], ...changes }));
}

test("a process file that is none is refused, whatever it is", async () => {
  const fifo = join(room.directory, freshName());
  assert.is(Bun.spawnSync(["mkfifo", fifo]).exitCode, 0);
  const files: [string, RegExp][] = [
    ["/no/such", /cannot read \/no\/such: no such file or directory \(ENOENT\)"/],
    [freshDirectory(), /not a regular file/],
    [fifo, /not a regular file/],
    ["/dev/zero", /not a regular file/],
    [file(""), /Broken JSON .* the text is empty/],
    [file("{"), /Broken JSON at line 1/],
    [file("\u0000\u0001"), /Broken JSON/],
    [file("[]"), /found \[\], wanted an object|wanted an object/],
    [file("null"), /wanted an object/],
    [file("{}"), /found no "args"/],
    [processFile({ args: [] }), /\/args/],
    [processFile({ args: "true" }), /\/args: .*hint: write \["true"\]/],
    [processFile({ args: [7] }), /\/args\/0/],
    [processFile({ args: ["/bin/true\u0000"] }), /\/args\/0.*NUL/i],
    [processFile({ cwd: "tmp" }), /\/cwd: found "tmp", wanted an absolute path/],
    [processFile({ user: { uid: "root", gid: 0 } }), /\/user\/uid/],
    [processFile({ user: { uid: -1, gid: 0 } }), /\/user\/uid/],
    [processFile({ user: { uid: 4294967295, gid: 0 } }), /\/user\/uid/],
    [processFile({ capabilities: { bounding: "CAP_KILL" } }), /\/capabilities\/bounding/],
    [processFile({ rlimits: [{ type: "RLIMIT_X", soft: 1, hard: 1 }] }), /\/rlimits\/0\/type/],
    [processFile({ rlimits: [{ type: "RLIMIT_CORE", soft: 2, hard: 1 }] }), /\/rlimits\/0/],
    [processFile({ oomScoreAdj: 5000 }), /\/oomScoreAdj/],
    [processFile({ apparmorProfile: "nope" }), /\/apparmorProfile/],
    [processFile({ scheduler: { policy: "SCHED_X" } }), /\/scheduler\/policy/],
  ];
  await withRunning(async ({ id }) => {
    for (const [path, pattern] of files) await refuses(["--process", path, id], pattern);
  });
});

test("flags that say nothing of use are refused by their names", async () => {
  await withRunning(async ({ id }) => {
    for (const [flags, pattern] of [
      [["--user", "root"], /--user is "root"/],
      [["--user", "1:2:3"], /--user is "1:2:3"/],
      [["--user", "-1"], /--user is "-1"/],
      [["--user", "1:"], /--user/],
      [["--user", "4294967295"], /--user/],
      [["--additional-gids", "wheel"], /--additional-gids is "wheel"/],
      [["--env", "=x"], /--env is "=x"/],
      [["--cwd", "tmp"], /--cwd is "tmp"/],
      [["--preserve-fds", "-1"], /--preserve-fds is "-1"/],
      [["--preserve-fds", "9"], /descriptor 3 is to be preserved and is not open/],
      [["--preserve-fds", "999999999"], /descriptor 3/],
      [["--timeout", "soon"], /--timeout is "soon"/],
      [["--process", processFile({}), "--user", "1"], /--user does not go with --process/],
      [["--nosuchflag"], /unknown flag --nosuchflag/],
    ] as const) {
      await refuses([...flags, id, "true"], pattern);
    }
    await refuses([id], /requires a COMMAND/);
    await refuses([], /requires <ID>/);
    await refuses(["../etc", "true"], /invalid container ID/);
    await refuses([freshName(), "true"], /does not exist/);
  });
});

test("working directories, programs and users that are not there are refused by the container", async () => {
  await withRunning(async ({ id }) => {
    for (const [words, pattern] of [
      [["--cwd", "/no/such", id, "true"], /cwd.*"\/no\/such".*no such file or directory/],
      [["--cwd", "/etc/passwd", id, "true"], /cwd.*not a directory/],
      [["--cwd", `/${"x".repeat(300)}`, id, "true"], /file name too long/],
      [[id, ""], /exec: "": executable file not found in \$PATH/],
      [[id, "x".repeat(5000)], /exec: "xxx.*…x+": file name too long/],
      [[id, `/bin/echo ${"hello ".repeat(200)}`], /exec: .*….*: file name too long|no such file/],
    ] as const) {
      await refuses(words, pattern);
    }
  });
  const patch = { ...sleeping, root: { path: newRootfs() }, linux: inUserNamespace };
  await withContainer(patch, async ({ id, does }) => {
    await does("start");
    await refuses(
      ["--user", "70000", id, "true"],
      /setresuid\(70000.*EINVAL.*hint: the container.s user namespace/,
    );
    await refuses(
      ["--additional-gids", "70000", id, "true"],
      /setgroups\(\[70000.*hint: the container.s/,
    );
  });
});

test("a console socket that is missing, none, or closed half-way is an error", async () => {
  const place = freshDirectory();
  const datagram = join(place, "datagram");
  const silent = join(place, "silent");
  const holder = Bun.spawn(
    [
      "python3",
      "-c",
      "import socket, sys\n" +
        "d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind(sys.argv[1])\n" +
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[2]); s.listen()\n" +
        "print('ready', flush=True)\n" +
        "while True: s.accept()[0].close()\n",
      datagram,
      silent,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    await holder.stdout.getReader().read();
    await withRunning(async ({ id }) => {
      const tty = ["--tty", "--detach"];
      for (const [flags, pattern] of [
        [tty, /without setting console socket/],
        [[...tty, "--console-socket", join(place, "none")], /no such file or directory/],
        [[...tty, "--console-socket", file("")], /connection refused/],
        [[...tty, "--console-socket", place], /connection refused/],
        [[...tty, "--console-socket", datagram], /protocol wrong type for socket/],
        [[...tty, "--console-socket", silent], /console\.send.*(broken pipe|connection reset)/],
        [["--tty", "--console-socket", silent], /cannot use console socket/],
        [["--detach", "--console-socket", silent], /cannot use console socket/],
      ] as const) {
        await refuses([...flags, id, "/bin/true"], pattern);
      }
    });
  } finally {
    holder.kill("SIGKILL");
    await holder.exited;
  }
});

test("a cgroup outside of the container's is out of reach", async () => {
  await withRunning(async ({ id }) => {
    for (const path of [
      ...["..", "../..", "/..", "a/../..", "../", "./..", "nope", "/nope", "/sys/fs/cgroup"],
      ...["nope:/", "pids:..", "pids:/../..", "pids,nope:/", "a\nb", "x".repeat(5000)],
    ]) {
      await refuses(["--cgroup", path, id, "true"], /--cgroup/);
    }
  });
});

test("a pid file that cannot be written ends the process", async () => {
  await withRunning(async ({ id }) => {
    const link = join(room.directory, freshName());
    mkdirSync(link);
    symlinkSync("/no/such/place", join(link, "pid"));
    for (const [path, pattern] of [
      ["/no/such/pid", /no such file or directory/],
      [room.directory, /is a directory|file exists/],
    ] as const) {
      await refuses(["--detach", "--pid-file", path, id, "/bin/sleep", "1000"], pattern);
    }
  });
});

test("a container that is stopped, paused or not started yet: the first two are refused", async () => {
  await withContainer(sleeping, async ({ id, does, becomes }) => {
    const inCreated = await runt(["exec", id, "true"]);
    assert.equal([inCreated.code, inCreated.stderr], [0, ""]);
    await does("pause");
    await refuses([id, "true"], /cannot exec in a paused container \(use --ignore-paused/);
    await does("resume");
    await does("kill", "KILL");
    await becomes("stopped");
    await refuses([id, "true"], /cannot exec in a stopped container/);
    await refuses(["--ignore-paused", id, "true"], /cannot exec in a stopped container/);
  });
});

runTests();
