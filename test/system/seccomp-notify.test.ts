// SCMP_ACT_NOTIFY: an agent outside of the container gets the listener and answers system calls.

import { chmodSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { X86_64 } from "../../runtime/seccomp/arch/x86_64.ts";
import { OCI_VERSION } from "../../runtime/version.ts";
import type { Json, Patch } from "../support/bundle.ts";
import { compileC } from "../support/compile-c.ts";
import { inside, run, stateOf, withContainer, withScript } from "../support/container.ts";
import { ordinaryUser, rootless, userRootfs } from "../support/ordinary-user.ts";
import { isRunning, readProc } from "../support/process.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt, startRunt } from "../support/runt.ts";
import { numberOf } from "../support/seccomp-numbers.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const helper = compileC("seccomp-agent", room.directory);
const agentProgram = "program" in helper ? helper.program : "";
const makeDirectory = ["mkdir", "mkdirat"];
const attempt = "mkdir /tmp/new 2>&1; echo $?";

interface Agent {
  path: string;
  process: Bun.Subprocess;
  /** Lines that it has printed: the state, its descriptor, how the connection ended, calls. */
  lines(): string[];
}

function notifying(names: string[], listenerPath: string, more: Patch = {}): Patch {
  const syscalls: Json[] = [{ names, action: "SCMP_ACT_NOTIFY" }];
  return {
    linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls, listenerPath, ...more } },
  };
}

/** An agent that treats calls in one way, for the time of a test; see seccomp-agent.c. */
async function withAgent(way: string, use: (agent: Agent) => Promise<void>): Promise<void> {
  const path = join(freshDirectory(), "s");
  const agent = await startAgent(way, path);
  try {
    await use(agent);
  } finally {
    agent.process.kill("SIGKILL");
    await agent.process.exited;
  }
}

async function startAgent(way: string, path: string): Promise<Agent> {
  const file = join(room.directory, freshName());
  const out = openSync(file, "w");
  const process = Bun.spawn([agentProgram, path, ...way.split(" ")], {
    stdio: ["ignore", out, "inherit"],
  });
  const lines = (): string[] => readFileSync(file, "utf8").split("\n").slice(1, -1);
  await waitUntil("the agent", () => readFileSync(file, "utf8").startsWith("listening\n"));
  return { path, process, lines };
}

/** The agent has printed its state first: the filter's descriptor came with it, and the end. */
function stateFrom([state = "", descriptor, end]: string[]) {
  assert.is(descriptor, "anon_inode:seccomp notify");
  assert.is(end, "closed");
  return JSON.parse(state);
}

function numbers(...names: string[]): string[] {
  return names.map((name) => String(numberOf(X86_64, name)));
}

if ("reason" in helper) skip("agents for SCMP_ACT_NOTIFY", `needs gcc: ${helper.reason}`);
else {
  test("an agent gets the container's state with the listener, and its answer counts", () =>
    withAgent("errno 28", async ({ path, lines }) => {
      const patch = {
        annotations: { "org.example.key": "value" },
        ...notifying(makeDirectory, path, { listenerMetadata: 'one "opaque" text' }),
      };
      await withContainer(withScript(`${attempt}; sleep 60`, patch), async (container) => {
        const { pid } = await container.state();
        assert.equal(lines(), []);
        await container.does("start");
        await waitUntil("an answer", () => container.create.stdout().endsWith("1\n"));
        assert.match(container.create.stdout(), /No space left/);
        const { ociVersion, state, ...rest } = stateFrom(lines());
        assert.equal(rest, { fds: ["seccompFd"], pid, metadata: 'one "opaque" text' });
        assert.equal(state, {
          ociVersion,
          id: container.id,
          status: "creating",
          pid,
          bundle: container.bundle,
          annotations: { "org.example.key": "value" },
        });
        assert.is(foreignRuntime || ociVersion === OCI_VERSION, true);
        // The listener is the agent's: nothing of it is left in the container.
        const open = await inspect(pid);
        assert.not(open.includes("seccomp notify"), open);
      });
      shows("linux.seccomp.listenerPath.type", "linux.seccomp.listenerPath.one");
      shows("linux.seccomp.listenerPath.closed", "linux.seccomp.listenerPath.fd");
      shows("linux.seccomp.state.form", "linux.seccomp.state.ociVersion");
      shows("linux.seccomp.state.pid", "linux.seccomp.state.state");
    }));

  test("an exec has a listener of its own, and the state says who it is", () =>
    withAgent("continue 0", async ({ path, process: first }) => {
      const patch = withScript("sleep 60", notifying(makeDirectory, path));
      await withContainer(patch, async ({ id, does, state }) => {
        await does("start");
        const end = async (agent: Bun.Subprocess): Promise<void> => {
          agent.kill("SIGKILL");
          await agent.exited;
          rmSync(path);
        };
        await end(first);
        const { lines, process: second } = await startAgent("errno 28", path);
        const { code, stdout } = await runt(["exec", id, "sh", "-c", attempt]);
        await end(second);
        assert.is(code, 0);
        assert.match(stdout, /No space left.*\n1\n$/);
        const { pid, state: told } = stateFrom(lines());
        assert.is.not(pid, told.pid);
        assert.equal([told.pid, told.status], [(await state()).pid, "running"]);
        const alone = await runt(["exec", id, "true"]);
        assert.is(alone.code, 255);
        assert.match(alone.stderr, /listener.*connect/);
      });
    }));

  test("the agent has the listener before the program runs: it answers execve itself", () =>
    withAgent("continue 0", async ({ path, lines }) => {
      const patch = notifying(["execve", "exit_group", ...makeDirectory], path);
      const process = { user: { uid: 1000, gid: 1000 } };
      assert.match(await inside("mkdir /proc/x 2>&1 || true", { process, ...patch }), /mkdir/);
      const [, , , ...calls] = lines();
      assert.is(calls[0], numbers("execve")[0]);
      assert.ok(calls.includes(numbers("exit_group")[0] ?? ""), calls.join());
      assert.not("metadata" in stateFrom(lines()));
    }));

  test("an agent's value is what a call returns, without no_new_privs as well", () =>
    withAgent("value 0", async ({ path, lines }) => {
      const patch = notifying(makeDirectory, path, {
        flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"],
      });
      const text = "mkdir /tmp/never; echo $?; ls /tmp/never 2>&1 || true";
      const stdout = await inside(text, { process: { noNewPrivileges: false }, ...patch });
      assert.match(stdout, /^0\n.*No such file/);
      assert.is(lines().length, 4);
    }));

  test("a program that cannot be executed fails start, also when its end needs the agent", () =>
    withAgent("continue 0", async ({ path }) => {
      if (foreignRuntime) return;
      const rootfs = newRootfs();
      writeFileSync(join(rootfs, "odd"), "garbage", { mode: 0o755 });
      const patch = notifying(["exit_group", "exit"], path);
      const program = { root: { path: rootfs }, process: { args: ["/odd"] } };
      const { code, stderr } = await run({ ...program, ...patch });
      assert.is(code, 1);
      assert.match(stderr, /exec format error/);
    }));
}

test("without an agent create fails, and leaves nothing; without NOTIFY it needs none", async () => {
  const id = freshName();
  const path = join(freshDirectory(), "nobody");
  const { code, stderr } = await run(notifying(makeDirectory, path));
  assert.is(code, 1);
  assert.match(stderr, /nobody.*no such file/);
  assert.is(await stateOf(id), undefined);
  const unused = { linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", listenerPath: path } } };
  assert.is((await run(unused)).code, 0);
  shows("linux.seccomp.listenerPath.fails");
});

if ("program" in helper && !foreignRuntime) {
  test("an ordinary user's container has its agent as well", () =>
    withAgent("errno 28", async ({ path, lines }) => {
      chmodSync(path, 0o777);
      const as = ordinaryUser();
      const patch = rootless({
        root: { path: userRootfs() },
        ...notifying(makeDirectory, path),
      });
      const stdout = await inside(attempt, patch, { as });
      assert.match(stdout, /No space left/);
      assert.is(stateFrom(lines()).fds[0], "seccompFd");
    }));

  test("an agent that has gone before start fails it, and start can be tried again", async () => {
    const path = join(freshDirectory(), "s");
    const first = await startAgent("errno 28", path);
    await withContainer(withScript(attempt, notifying(makeDirectory, path)), async (container) => {
      first.process.kill("SIGKILL");
      await first.process.exited;
      const { code, stderr } = await runt(["start", container.id]);
      assert.is(code, 1);
      assert.match(stderr, /seccomp listener: connect\(.*connection refused/);
      assert.is((await container.state()).status, "created");
      const second = await startAgent("errno 28", path);
      await container.does("start");
      await container.becomes("stopped");
      assert.match(container.create.stdout(), /No space left/);
      await second.process.exited;
    });
    shows("linux.seccomp.listenerPath.fails");
  });

  test("an agent that does not take the listener fails start, and init is gone", async () => {
    const listenerMetadata = "x".repeat(1_000_000);
    for (const way of ["deaf 0", "rude 0"]) {
      await withAgent(way, async ({ path }) => {
        const patch = notifying(makeDirectory, path, { listenerMetadata });
        await withContainer(withScript(attempt, patch), async (container) => {
          const { pid } = await container.state();
          const { code, stderr } = await runt(["start", container.id]);
          assert.is(code, 1, stderr);
          assert.match(stderr, /seccomp listener: sendmsg\(.*(broken pipe|reset|not taken within)/);
          await waitUntil("end of init", () => !isRunning(pid));
          assert.is(container.create.stdout(), "");
          assert.is((await container.state()).status, "stopped");
        });
      });
    }
  });

  test("long metadata reaches the agent as a whole", () =>
    withAgent("continue 0", async ({ path, lines }) => {
      const listenerMetadata = "x".repeat(1_000_000);
      assert.is((await run(notifying(makeDirectory, path, { listenerMetadata }))).code, 0);
      assert.is(stateFrom(lines()).metadata, listenerMetadata);
      shows("linux.seccomp.state.first");
    }));

  test("a relative listenerPath is meant from the bundle; its length does not matter", async () => {
    for (const isRelative of [true, false]) {
      await withAgent("errno 28", async ({ path }) => {
        const folder = join(freshDirectory(), "a".repeat(100));
        symlinkSync(dirname(path), folder);
        const far = `../${basename(dirname(path))}/s`;
        const patch = notifying(makeDirectory, isRelative ? far : join(folder, "s"));
        const { code, stdout, stderr } = await run(withScript(attempt, patch));
        assert.is(code, 0, stderr);
        assert.match(stdout, /No space left/);
      });
    }
  });

  if (process.env["SOAK"] === "1") {
    test("init ends by itself when start is killed before the agent has the listener", () =>
      withAgent("deaf 0", async ({ path }) => {
        const patch = notifying(makeDirectory, path, { listenerMetadata: "x".repeat(1_000_000) });
        await withContainer(withScript(attempt, patch), async (container) => {
          const { pid } = await container.state();
          const start = startRunt(["start", container.id]);
          await waitUntil("the filter", () => /^Seccomp:\s*2/m.test(readProc(pid, "status")));
          start.kill("SIGKILL");
          await start.ended;
          await waitUntil("end of init", () => !isRunning(pid), 200_000);
          assert.is(container.create.stdout(), "");
        });
      }));
  }
}

test("what NOTIFY must not be used for is refused", async () => {
  if (foreignRuntime) return;
  const path = join(room.directory, "s");
  const cases: [Patch, RegExp][] = [
    [notifying(["write"], path), /syscalls\/0\/names\/0: write cannot have SCMP_ACT_NOTIFY/],
    [notifying(["read"], path, { defaultAction: "SCMP_ACT_NOTIFY" }), /defaultAction: .* default/],
    [notifying(["read"], ""), /syscalls\/0\/action: found SCMP_ACT_NOTIFY, wanted a listenerPath/],
    [
      notifying(["read"], "", { syscalls: [], listenerMetadata: "x" }),
      /listenerMetadata: found it without a listenerPath/,
    ],
    [
      notifying(["read"], path, {
        syscalls: [],
        flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
      }),
      /flags\/0: .* no rule has SCMP_ACT_NOTIFY/,
    ],
  ];
  for (const [patch, text] of cases) {
    const { code, stderr } = await run(patch);
    assert.is(code, 1);
    assert.match(stderr, text);
  }
});

runTests();

/** What the descriptors of a process lead to. */
async function inspect(pid: number): Promise<string> {
  return Bun.spawnSync(["ls", "-l", `/proc/${pid}/fd`]).stdout.toString();
}
