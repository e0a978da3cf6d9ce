// The start-up protocol: what a caller hands over besides config.json, and how it is told that the
// container is there (pid file, pidfd) and that its program is ready (sd_notify(3)).

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import {
  bundle,
  defaultMounts,
  defaultNamespaces,
  type Json,
  type Patch,
  script,
} from "../support/bundle.ts";
import { compileC } from "../support/compile-c.ts";
import { run, stateOf, withContainer, withScript } from "../support/container.ts";
import { openWith } from "../support/open-with.ts";
import { isRunning } from "../support/process.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { type Running, runt, startRunt } from "../support/runt.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const helper = compileC("start-up", room.directory, ["-static"]);

/** As a service manager starts it: LISTEN_PID is the runtime's own. */
const activated = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"];

/** Without a pid namespace of the container's own. */
const sharedPids = defaultNamespaces.filter((one) => JSON.stringify(one) !== '{"type":"pid"}');

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
  const { stdout, stderr } = await runt(command, {
    fds,
    through: activated,
    env: { LISTEN_FDS: "1" },
  });
  assert.is(stdout, "a\nb\n1 1\n", stderr);
});

test("preserving a descriptor that is not open is refused", async () => {
  const command = ["run", "--preserve-fds", "9", "--bundle", bundle({}), freshName()];
  const { code, stderr } = await runt(command);
  assert.is(code, 1);
  assert.match(stderr, /preserve/i);
});

test("a pid file that cannot be put in place leaves no half of it", async () => {
  const id = freshName();
  const folder = freshDirectory();
  mkdirSync(join(folder, "pid", "in-the-way"), { recursive: true });
  const flags = ["--bundle", bundle({}), "--pid-file", join(folder, "pid")];
  const { code, stderr } = await runt(["create", ...flags, id]);
  assert.is(code, 1);
  assert.match(stderr, /cannot write the pid file .*: rename/);
  assert.is(await stateOf(id), undefined);
  assert.equal(readdirSync(folder), ["pid"]);
});

test("no pid file is written for a create that fails at the pidfd's socket", async () => {
  const folder = freshDirectory();
  const flags = ["--pid-file", join(folder, "pid"), "--pidfd-socket", join(folder, "nobody")];
  const { code, stderr } = await runt(["create", "--bundle", bundle({}), ...flags, freshName()]);
  assert.is(code, 1);
  assert.match(stderr, /nobody.*no such file or directory/);
  assert.equal(readdirSync(folder), []);
});

test("what is left of a pid file by a command that was killed is in nobody's way", async () => {
  const folder = freshDirectory();
  writeFileSync(join(folder, ".pid"), "");
  const flags = ["--bundle", bundle({}), "--pid-file", join(folder, "pid")];
  const { code, stderr } = await runt(["run", ...flags, freshName()]);
  assert.is(code, 0, stderr);
});

const listening = 'echo "$LISTEN_FDS $LISTEN_FDNAMES"; [ "$LISTEN_PID" = $$ ] && echo mine';

test("LISTEN_PID is the program's pid, whatever pid namespace it is in", async () => {
  const fds = [openWith(join(freshDirectory(), "a"), "")];
  const env = { LISTEN_FDS: "1", LISTEN_FDNAMES: "web" };
  const process = { env: ["PATH=/bin", "LISTEN_PID=7", "LISTEN_FDNAMES=other"] };
  for (const namespaces of [defaultNamespaces, sharedPids]) {
    const patch = withScript(listening, { linux: { namespaces }, process });
    const { stdout, stderr } = await run(patch, { fds, env, through: activated });
    assert.is(stdout, "1 web\nmine\n", stderr);
  }
});

test("sockets for another process are not handed over", async () => {
  const fds = [openWith(join(freshDirectory(), "a"), "")];
  const patch = withScript(`${listening}; ls /proc/self/fd`);
  for (const LISTEN_PID of ["1", ""]) {
    const { stdout, stderr } = await run(patch, { fds, env: { LISTEN_FDS: "1", LISTEN_PID } });
    assert.is(stdout, " \n0\n1\n2\n3\n", stderr);
  }
});

if ("reason" in helper) skip("sd_notify and the keyring", helper.reason);
else {
  const { program } = helper;
  const inside = "/helper";
  const withHelper: Patch = {
    root: { path: newRootfs() },
    mounts: [
      ...defaultMounts,
      { destination: "/run", type: "tmpfs", source: "tmpfs" },
      { destination: inside, source: program, options: ["bind"] },
    ],
  };
  const ready = (more = ""): string => `${inside} notify "READY=1" ${more}`;

  test("the program has a session keyring of its own, or the caller's with --no-new-keyring", async () => {
    const directory = bundle(withScript(`${inside} keyring`, withHelper));
    const keyring = async (flags: string[]): Promise<{ id: string; said: string }> => {
      const id = freshName();
      const { stdout, stderr } = await runt(["run", ...flags, "--bundle", directory, id]);
      assert.is(stderr, "");
      return { id, said: stdout };
    };
    const own = await keyring([]);
    assert.ok(own.said.endsWith(`;_ses.${own.id}\n`), own.said);
    const callers = Bun.spawnSync([program, "keyring"]).stdout.toString();
    assert.is((await keyring(["--no-new-keyring"])).said, callers);
  });

  /** A service manager that hears what is said at an address, and what it has heard so far. */
  const manager = async (
    address: string,
    use: (heard: () => string) => Promise<void>,
    ...more: string[]
  ): Promise<void> => {
    const file = join(freshDirectory(), "heard");
    const listener = Bun.spawn([program, "listen", address, ...more], { stdout: Bun.file(file) });
    const heard = (): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
    try {
      await waitUntil("listener", () => heard() === "listening\n");
      await use(() => heard().slice("listening\n".length));
    } finally {
      listener.kill("SIGKILL");
      await listener.exited;
    }
  };
  const withNotify = (text: string, patch: Patch = {}): string =>
    bundle(withScript(text, { ...withHelper, ...patch }));

  /** Creates a container for a manager at an address and hands over its id; deletes it. */
  const created = async (
    directory: string,
    NOTIFY_SOCKET: string,
    use: (id: string, env: Record<string, string>) => Promise<void>,
  ): Promise<void> => {
    const id = freshName();
    const env = { NOTIFY_SOCKET };
    const { code, stderr } = await startRunt(["create", "--bundle", directory, id], { env }).ended;
    try {
      assert.is(code, 0, stderr);
      await use(id, env);
    } finally {
      await runt(["delete", "--force", id]);
    }
  };

  const untilHeard = (heard: () => string, text: string): Promise<boolean> =>
    waitUntil(`"${text}", not "${heard()}"`, () => heard() === text);

  test("start waits for READY, tells the service manager init's pid, and leaves nobody behind", async () => {
    const directory = withNotify(
      `echo $NOTIFY_SOCKET; ls -ld /run/notify; touch /run/notify/x; sleep 0.5;` +
        ` ${inside} notify "STATUS=warming up"; ${inside} notify "MAINPID=1
NOTREADY=1"; ${inside} notify "STATUS=done
READY=1
FDSTORE=1" barrier; sleep 100`,
      { process: { env: ["PATH=/bin", "NOTIFY_SOCKET=/nowhere"] } },
    );
    const socket = join(freshDirectory(), "socket");
    await manager(socket, async (heard) => {
      const id = freshName();
      const env = { NOTIFY_SOCKET: socket };
      const create = startRunt(["create", "--bundle", directory, id], { env });
      assert.is((await create.ended).code, 0, create.stderr());
      try {
        const startedMs = performance.now();
        const { code, stderr } = await runt(["start", id], { env });
        assert.equal({ code, stderr }, { code: 0, stderr: "" });
        assert.ok(performance.now() - startedMs > 450, "start has waited");
        const state = await stateOf(id);
        assert.is(heard(), `[READY=1\nMAINPID=${state?.pid}\n] 0\n[BARRIER=1] 1\n`);
        assert.is(state?.status, "running");
        const said = await waitUntil(
          "barrier",
          () => create.stdout().endsWith("passed\n") && create.stdout(),
        );
        assert.match(said, /^\/run\/notify\/notify.sock\ndrwxr-xr-x .*\nbarrier passed\n$/);
        assert.match(create.stderr(), /Read-only file system/);
      } finally {
        assert.is((await runt(["delete", "--force", id])).code, 0);
      }
    });
  });

  test("run, detached or not, passes READY on; in the foreground it stays the main process", async () => {
    // An abstract socket, an unlucky umask, a user of no rights, and a pid namespace that is shared.
    const address = `@runt-test-${freshName()}`;
    const user = { uid: 1000, gid: 1000 };
    const patch = { process: { user }, linux: { namespaces: sharedPids } };
    const through = ["sh", "-c", 'umask 077; exec "$@"', "sh"];
    const env = { NOTIFY_SOCKET: address };
    const directory = withNotify(`${ready()}; sleep 100`, patch);
    for (const flags of [["--detach"], []]) {
      await manager(address, async (heard) => {
        const id = freshName();
        const running: Running = startRunt(["run", ...flags, "--bundle", directory, id], {
          env,
          through,
        });
        const isDetached = flags.length > 0;
        if (isDetached) assert.equal(await running.ended, { code: 0, stdout: "", stderr: "" });
        await waitUntil("READY", () => heard() !== "");
        const pid = isDetached ? (await stateOf(id))?.pid : running.pid;
        const barrier = isDetached ? "[BARRIER=1] 1\n" : "";
        await untilHeard(heard, `[READY=1\nMAINPID=${pid}\n] 0\n${barrier}`);
        assert.is((await runt(["delete", "--force", id])).code, 0);
        await running.ended;
      });
    }
  });

  test("a program that ends without a word ends the waiting, and one that says it last is heard", async () => {
    const socket = join(freshDirectory(), "socket");
    await manager(socket, async (heard) => {
      await created(withNotify("exit 3"), socket, async (id, env) => {
        assert.is((await runt(["start", id], { env })).code, 0);
        assert.is(heard(), "");
      });
      const last = withNotify(`exec ${ready()}`);
      await created(last, socket, async (id, env) => {
        assert.is((await runt(["start", id], { env })).code, 0);
        assert.match(heard(), /^\[READY=1\nMAINPID=\d+\n\] 0\n/);
      });
      const outcome = await runt(["run", "--bundle", last, freshName()], {
        env: { NOTIFY_SOCKET: socket },
      });
      assert.is(outcome.code, 0);
      await waitUntil("READY", () => heard().match(/READY=1/g)?.length === 2);
    });
  });

  test("while start waits, state, kill and a second start get through", async () => {
    const socket = join(freshDirectory(), "socket");
    await manager(socket, async (heard) => {
      const text = `trap '${ready()}; exit' USR1; echo set; while true; do sleep 0.01; done`;
      const create = withNotify(text);
      await created(create, socket, async (id, env) => {
        const start = startRunt(["start", id], { env });
        await waitUntil("start", async () => (await stateOf(id))?.status === "running");
        const second = await runt(["start", id], { env });
        assert.is(second.code, 1);
        assert.match(second.stderr, /already running/);
        assert.ok(isRunning(start.pid), "it still waits");
        await Bun.sleep(100);
        assert.is((await runt(["kill", id, "USR1"])).code, 0);
        assert.is((await start.ended).code, 0);
        assert.match(heard(), /^\[READY=1\nMAINPID=\d+\n\] 0\n/);
      });
    });
  });

  test("a start that was killed while it waited does not stop the container", async () => {
    const socket = join(freshDirectory(), "socket");
    await created(withNotify("sleep 100"), socket, async (id, env) => {
      const start = startRunt(["start", id], { env });
      await waitUntil("start", async () => (await stateOf(id))?.status === "running");
      start.kill("SIGKILL");
      await start.ended;
      assert.is((await stateOf(id))?.status, "running");
    });
  });

  test("a service manager that is gone, or has never been, is a warning", async () => {
    const socket = join(freshDirectory(), "nobody");
    await created(withNotify(`${ready()}; sleep 100`), socket, async (id, env) => {
      const { code, stderr } = await runt(["start", id], { env });
      assert.is(code, 0);
      assert.match(stderr, /level=warning.*NOTIFY_SOCKET: connect.*nobody.*no such file/);
      assert.is((await stateOf(id))?.status, "running");
    });
    const env = { NOTIFY_SOCKET: "vsock:2:1" };
    const { code, stdout, stderr } = await run(withScript("echo $NOTIFY_SOCKET"), { env });
    assert.equal({ code, stdout }, { code: 0, stdout: "\n" });
    assert.match(stderr, /vsock:2:1.* is neither an absolute path nor @/);
  });

  test("the program is heard out of a user namespace too", async () => {
    const socket = join(freshDirectory(), "socket");
    const mappings = [{ containerID: 0, hostID: 100_000, size: 2000 }];
    const namespaces: Json[] = [...defaultNamespaces, { type: "user" }];
    const directory = withNotify(`${ready("barrier")}; sleep 100`, {
      process: { user: { uid: 1000, gid: 1000 } },
      linux: { namespaces, uidMappings: mappings, gidMappings: mappings },
    });
    await manager(socket, async (heard) => {
      await created(directory, socket, async (id, env) => {
        const { code, stderr } = await runt(["start", id], { env });
        assert.is(code, 0, stderr);
        assert.match(heard(), /^\[READY=1\nMAINPID=\d+\n\] 0\n/);
      });
    });
  });

  test("a start with NOTIFY_SOCKET of a container that was created without waits for nothing", async () => {
    await withContainer(withScript("sleep 100", withHelper), async ({ id }) => {
      const env = { NOTIFY_SOCKET: join(freshDirectory(), "nobody") };
      assert.equal(await runt(["start", id], { env }), { code: 0, stdout: "", stderr: "" });
    });
  });

  test("a caller without NOTIFY_SOCKET waits for nothing, and the program has none", async () => {
    for (const NOTIFY_SOCKET of [undefined, ""]) {
      const env: Record<string, string> = NOTIFY_SOCKET === undefined ? {} : { NOTIFY_SOCKET };
      const text = "echo $NOTIFY_SOCKET; ls -d /run/notify";
      const { stdout } = await run(withScript(text, withHelper), { env });
      assert.is(stdout, "\n");
    }
  });
}

runTests();
