// Hooks: when and where each one runs, what it is told, and what its failure means.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
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
import { run, stateOf, withContainer, withScript } from "../support/container.ts";
import { type HookFolder, hookFolder } from "../support/hook.ts";
import { openWith } from "../support/open-with.ts";
import { isRunning } from "../support/process.ts";
import { freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt, startRunt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const phases = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

/** The hooks' folder at the same path inside the container, for those that run there. */
function sharedFolder(folder: HookFolder): Patch {
  return {
    root: { path: newRootfs() },
    mounts: [
      ...defaultMounts,
      { destination: folder.directory, source: folder.directory, options: ["bind"] },
    ],
  };
}

function isPid(namespace: Json): boolean {
  return JSON.stringify(namespace) === '{"type":"pid"}';
}

/** One witness for each phase. */
function witnesses(folder: HookFolder): Json {
  return Object.fromEntries(phases.map((phase) => [phase, [{ path: folder.witness(phase) }]]));
}

test("all six hooks run in the order of the life of a container", async () => {
  const folder = hookFolder();
  const text = `echo program >> ${folder.directory}/trace; sleep 0.2`;
  const patch = { hooks: witnesses(folder), ...sharedFolder(folder) };
  await withContainer(withScript(text, patch), async ({ does, becomes }) => {
    assert.equal(folder.trace(), ["prestart", "createRuntime", "createContainer"]);
    await does("start");
    const started = folder.trace();
    assert.is(started[3], "startContainer");
    assert.ok(started.includes("poststart"), "start returns after poststart");
    await becomes("stopped");
    assert.is(folder.trace().length, 6);
    await does("delete");
    assert.is(folder.trace()[6], "poststop");
  });
  assert.is(folder.trace().length, 7);
  shows("runtime.lifecycle.prestart", "runtime.lifecycle.createRuntime");
  shows("runtime.lifecycle.createContainer", "runtime.lifecycle.startContainer");
  shows("runtime.lifecycle.poststart", "runtime.lifecycle.poststop");
});

test("each hook gets the state on its standard input, with its status and pid", async () => {
  const folder = hookFolder();
  const patch = {
    hooks: witnesses(folder),
    annotations: { "org.example": "yes" },
    ...sharedFolder(folder),
  };
  let [id, pid, directory] = ["", 0, ""];
  await withContainer(withScript("sleep 0.2", patch), async (container) => {
    ({ id, bundle: directory } = container);
    pid = (await container.state()).pid;
    await container.does("start");
    await container.becomes("stopped");
    await container.does("delete");
  });
  const expected: Record<string, [status: RegExp, pid: number[]]> = {
    prestart: [/^(creating|created)$/, [pid]],
    createRuntime: [/^(creating|created)$/, [pid]],
    createContainer: [/^(creating|created)$/, [1]],
    startContainer: [/^(created|starting)$/, [1]],
    poststart: [/^running$/, [pid]],
    poststop: [/^stopped$/, [0]],
  };
  for (const phase of phases) {
    const state = JSON.parse(folder.read(`${phase}.json`) ?? "null");
    const [status, pids] = expected[phase] ?? [/^$/, []];
    assert.match(state.status, status, phase);
    assert.ok(pids.includes(state.pid ?? 0), `${phase}: pid ${state.pid}, not ${pids}`);
    assert.is(state.id, id);
    assert.is(state.bundle, directory);
    assert.equal(state.annotations, { "org.example": "yes" }, phase);
    assert.match(state.ociVersion, /^1\./);
  }
  shows("config.hooks.stdin");
});

test("a prestart hook is told that the container is created: creating ends before it runs", async () => {
  if (foreignRuntime) return;
  const folder = hookFolder();
  const hooks = { prestart: [{ path: folder.witness("prestart") }] };
  await run({ hooks });
  assert.is(JSON.parse(folder.read("prestart.json") ?? "null").status, "created");
});

test("hooks of one phase run one after the other, in order", async () => {
  const folder = hookFolder();
  const slow = folder.add("slow", "sleep 0.2; echo slow >> $DIR/trace");
  const fast = folder.add("fast", "echo fast >> $DIR/trace");
  const { code, stderr } = await run({
    hooks: { createRuntime: [{ path: slow }, { path: fast }] },
  });
  assert.is(code, 0, stderr);
  assert.equal(folder.trace(), ["slow", "fast"]);
  shows("config.hooks.order");
});

test("args are the whole argument vector, its first word too", async () => {
  const folder = hookFolder();
  const path = folder.add(
    "hook",
    'tr "\\0" "\\n" < /proc/$$/cmdline > $DIR/argv; echo "$@" > $DIR/rest',
  );
  const { code, stderr } = await run({
    hooks: { createRuntime: [{ path, args: ["anything", "one", "two words"] }] },
  });
  assert.is(code, 0, stderr);
  assert.is(folder.read("rest"), "one two words\n");
});

test("each kind of hook is found and run in the namespaces that the specification names", async () => {
  const folder = hookFolder();
  const rootfs = newRootfs();
  const text = "for n in mnt uts pid net ipc; do readlink /proc/self/ns/$n; done";
  // The folder is the host's alone, and the script at the root the container's.
  const look = (name: string): string => folder.add(name, `(${text}) > $DIR/${name}.ns`);
  const inside = join(rootfs, "only-inside");
  writeFileSync(inside, `#!/bin/sh\n(${text}) > /startContainer.ns\n`);
  chmodSync(inside, 0o755);
  const host = phases.filter((phase) => phase !== "startContainer");
  const hooks = {
    ...Object.fromEntries(host.map((phase) => [phase, [{ path: look(phase) }]])),
    startContainer: [{ path: "/only-inside" }],
  };
  const { stdout, stderr } = await run(withScript(text, { root: { path: rootfs }, hooks }));
  const own = Bun.spawnSync(["sh", "-c", text]).stdout.toString();
  for (const phase of ["prestart", "createRuntime", "poststart", "poststop"]) {
    assert.is(folder.read(`${phase}.ns`), own, `${phase}: ${stderr}`);
  }
  assert.is(folder.read("createContainer.ns"), stdout);
  assert.is(readFileSync(join(rootfs, "startContainer.ns"), "utf8"), stdout);
});

/** Reads the pid out of the state. */
const pidOfState = `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/')`;

test("createContainer hooks are refused in another container's mount namespace", async () => {
  if (foreignRuntime) return;
  await withContainer({}, async ({ state }) => {
    const linux = { namespaces: [{ type: "mount", path: `/proc/${(await state()).pid}/ns/mnt` }] };
    const hooks = { createContainer: [{ path: "/bin/true" }] };
    const { code, stderr } = await run({ hooks, linux, hostname: undefined });
    assert.is(code, 1);
    assert.match(stderr, /\/hooks\/createContainer\/0: the path has to be the runtime's/);
  });
});

test("hooks of create see the container's mounts, before the root is changed", async () => {
  const folder = hookFolder();
  const rootfs = newRootfs();
  const count = (name: string, pid: string): string =>
    folder.add(
      name,
      `${pidOfState}; grep -c ' ${rootfs}/data ' /proc/${pid}/mountinfo >> $DIR/${name}.count;` +
        ` readlink /proc/${pid}/root >> $DIR/${name}.count`,
    );
  const hooks = {
    prestart: [{ path: count("prestart", "$pid") }],
    createRuntime: [{ path: count("createRuntime", "$pid") }],
    createContainer: [{ path: count("createContainer", "self") }],
  };
  const mounts = [...defaultMounts, { destination: "/data", type: "tmpfs", source: "tmpfs" }];
  const patch = { root: { path: rootfs }, mounts, hooks };
  const { code, stderr } = await run(patch);
  assert.is(code, 0, stderr);
  for (const phase of Object.keys(hooks)) assert.is(folder.read(`${phase}.count`), "1\n/\n", phase);
});

test("startContainer's path is the container's, and it runs before the program", async () => {
  const rootfs = newRootfs();
  const hooks = {
    startContainer: [
      { path: "/bin/sh", args: ["sh", "-c", "echo hook > /order; hostname >> /order"] },
    ],
  };
  const { stdout, stderr } = await run(
    withScript("echo program >> /order; cat /order", { root: { path: rootfs }, hooks }),
  );
  assert.is(stdout, "hook\nrunt-test\nprogram\n", stderr);
});

test("poststart hooks find the program running, poststop hooks nothing of the container", async () => {
  const folder = hookFolder();
  const started = `${pidOfState}; tr '\\0' ' ' < /proc/$pid/cmdline > $DIR/program`;
  const id = freshName();
  const gone = `ls -d ${room.root}/${id} /sys/fs/cgroup/*/${id} > $DIR/left 2> /dev/null`;
  const hooks = {
    poststart: [{ path: folder.add("poststart", started) }],
    poststop: [{ path: folder.add("poststop", `${gone}; sleep 0.1; echo over >> $DIR/left`) }],
  };
  const directory = bundle({ process: { args: ["/bin/sleep", "100"] }, hooks });
  assert.is((await runt(["create", "--bundle", directory, id])).code, 0);
  assert.is(folder.read("program"), undefined);
  assert.is((await runt(["start", id])).code, 0);
  assert.is(folder.read("program"), "/bin/sleep 100 ");
  assert.is((await runt(["delete", "--force", id])).code, 0);
  assert.is(folder.read("left"), "over\n");
  shows("hooks.poststart.when", "hooks.poststop.when");
});

test("a failing hook of the create phase fails create, stops the container and runs poststop", async () => {
  for (const phase of ["prestart", "createRuntime", "createContainer"]) {
    const folder = hookFolder();
    const path = folder.add("fail", "echo 'words of the hook' >&2; exit 3");
    const later = folder.witness("later");
    const hooks = {
      [phase]: [{ path }, { path: later }],
      poststop: [{ path: folder.witness("poststop") }],
    };
    const id = freshName();
    const { code, stderr } = await runt(["create", "--bundle", bundle({ hooks }), id]);
    assert.is(code, 1, phase);
    assert.match(stderr, /hook/, phase);
    assert.match(stderr, /3/, phase);
    assert.is(await stateOf(id), undefined, phase);
    assert.equal(folder.trace(), foreignRuntime ? folder.trace() : ["poststop"], phase);
  }
  shows("runtime.lifecycle.prestart-fails", "runtime.lifecycle.createRuntime-fails");
  shows("runtime.lifecycle.createContainer-fails");
});

test("a failing hook of start fails it, destroys the container and runs the poststop hooks", async () => {
  if (foreignRuntime) return;
  for (const kind of ["startContainer", "poststart"]) {
    const folder = hookFolder();
    const hooks = {
      [kind]: [{ path: "/bin/false" }, { path: "/bin/no-such-hook" }],
      poststop: [{ path: folder.witness("first") }, { path: folder.witness("second") }],
    };
    const patch = withScript(`echo ran > ${folder.directory}/ran; sleep 100`, { hooks });
    const shared = kind === "startContainer" ? { ...patch, ...sharedFolder(folder) } : patch;
    await withContainer(shared, async ({ id, state }) => {
      const { pid } = await state();
      const { code, stderr } = await runt(["start", id]);
      assert.is(code, 1, stderr);
      assert.match(stderr, /hook.*\/bin\/false: exit status 1/);
      assert.not(isRunning(pid));
      assert.is(await stateOf(id), undefined);
      assert.equal(folder.trace(), ["first", "second"]);
      assert.is(JSON.parse(folder.read("first.json") ?? "null").status, "stopped");
      assert.is(folder.read("ran"), undefined);
    });
  }
  shows("runtime.lifecycle.startContainer-fails", "runtime.lifecycle.poststart-fails");
});

test("run, detached and not, destroys what a hook of start has failed, once", async () => {
  if (foreignRuntime) return;
  for (const flags of [[], ["--detach"], ["--keep"]]) {
    const folder = hookFolder();
    const hooks = {
      poststart: [{ path: "/bin/false" }],
      poststop: [{ path: folder.witness("poststop") }],
    };
    const id = freshName();
    const directory = bundle(withScript("sleep 100", { hooks }));
    const { code, stderr } = await runt(["run", ...flags, "--bundle", directory, id]);
    assert.is(code, 1, stderr);
    assert.match(stderr, /poststart hook: \/bin\/false: exit status 1/);
    assert.is(await stateOf(id), undefined);
    assert.equal(folder.trace(), ["poststop"]);
  }
});

test("a failing poststop hook only warns, and the ones after it run", async () => {
  if (foreignRuntime) return;
  const folder = hookFolder();
  const hooks = { poststop: [{ path: "/bin/false" }, { path: folder.witness("after") }] };
  await withContainer({ hooks }, async ({ id, does, becomes }) => {
    await does("start");
    await becomes("stopped");
    const { code, stderr } = await runt(["delete", id]);
    assert.is(code, 0);
    assert.match(stderr, /warn/);
    assert.match(stderr, /poststop/);
    assert.equal(folder.trace(), ["after"]);
    assert.is(await stateOf(id), undefined);
  });
  shows("runtime.lifecycle.poststop-fails");
});

/** A family that a signal to its process group does not reach, written down as it is made. */
const family =
  "note() { echo $1 >> $DIR/pids; }; note $$; sleep 30 & note $!; setsid sleep 30 & note $!;" +
  " (setsid sh -c 'echo $$ >> $DIR/pids; sleep 30 & echo $! >> $DIR/pids; wait' &);" +
  " export DIR; while [ $(wc -l < $DIR/pids) -lt 5 ]; do sleep 0.01; done; ";

/** Pids of a family, once all are written down. */
function familyOf(folder: HookFolder): Promise<number[]> {
  return waitUntil("a whole family", () => {
    const pids = (folder.read("pids") ?? "").trim().split("\n").map(Number);
    return pids.length === 5 && pids;
  });
}

test("a hook past its timeout is killed with all that it started, in sessions of their own too", async () => {
  const shared = { linux: { namespaces: defaultNamespaces.filter((one) => !isPid(one)) } };
  for (const [kind, patch] of [
    ["createRuntime", {}],
    ["createContainer", {}],
    ["createContainer", shared],
  ] as const) {
    const folder = hookFolder();
    const path = folder.add("slow", `export DIR; ${family} sleep 30`);
    const startedMs = performance.now();
    const { code, stderr } = await run({ ...patch, hooks: { [kind]: [{ path, timeout: 1 }] } });
    const tookMs = performance.now() - startedMs;
    assert.is(code, 1, kind);
    assert.match(stderr, /past specified timeout of 1s/);
    assert.ok(tookMs >= 900 && tookMs < 5000, `${tookMs} ms`);
    // In a pid namespace of their own they do not know their pids; nothing is left all the same.
    if (kind === "createContainer" && patch !== shared) continue;
    assert.equal((await familyOf(folder)).filter(isRunning), [], kind);
  }
});

test("a startContainer hook past its timeout is killed with all that it started", async () => {
  for (const namespaces of [defaultNamespaces, defaultNamespaces.filter((one) => !isPid(one))]) {
    const marker = `${1000 + Math.floor(Math.random() * 1_000_000)}`;
    const text = `setsid sleep ${marker} & (setsid sleep ${marker} &); sleep ${marker}`;
    const hooks = { startContainer: [{ path: "/bin/sh", args: ["sh", "-c", text], timeout: 1 }] };
    const { code, stderr } = await run({ hooks, linux: { namespaces } });
    assert.is(code, 1);
    assert.match(stderr, /past specified timeout of 1s/);
    const listed = Bun.spawnSync(["ps", "-eo", "stat,args"]).stdout.toString().split("\n");
    const left = listed.filter((line) => line.includes(`sleep ${marker}`) && !/^Z/.test(line));
    assert.equal(left, []);
  }
});

test("a create that is killed takes its hook along, with all that the hook started", async () => {
  const folder = hookFolder();
  const path = folder.add("slow", `export DIR; ${family} sleep 30`);
  const id = freshName();
  const directory = bundle({
    hooks: { createRuntime: [{ path }], poststop: [{ path: folder.witness("poststop") }] },
  });
  const create = startRunt(["create", "--bundle", directory, id]);
  const pids = await familyOf(folder);
  create.kill("SIGKILL");
  await create.ended;
  await waitUntil("end of the family", () => !pids.some(isRunning));
  assert.is((await stateOf(id))?.status, "stopped");
  assert.equal(folder.trace(), []);
  const { code, stderr } = await runt(["delete", id]);
  assert.is(code, 0, stderr);
  assert.equal(folder.trace(), ["poststop"], "delete runs the poststop hooks");
});

test("a timeout may be longer than a life", async () => {
  const hooks = { createRuntime: [{ path: "/bin/true", timeout: Number.MAX_SAFE_INTEGER }] };
  const { code, stderr } = await run({ hooks });
  assert.is(code, 0, stderr);
});

test("a hook that ends in time is not disturbed by its timeout", async () => {
  const folder = hookFolder();
  const hooks = { createRuntime: [{ path: folder.witness("hook"), timeout: 10 }] };
  const startedMs = performance.now();
  assert.is((await run({ hooks })).code, 0);
  assert.ok(performance.now() - startedMs < 5000);
  assert.equal(folder.trace(), ["hook"]);
});

test("a missing hook is an error that names it", async () => {
  const { code, stderr } = await run({ hooks: { createRuntime: [{ path: "/no/such/hook" }] } });
  assert.is(code, 1);
  assert.match(stderr, /\/no\/such\/hook/);
  assert.match(stderr, /no such file or directory/i);
});

test("a hook that is killed by a signal is an error that names the signal", async () => {
  const folder = hookFolder();
  const path = folder.add("hook", "kill -USR1 $$");
  const { code, stderr } = await run({ hooks: { createRuntime: [{ path }] } });
  assert.is(code, 1);
  assert.match(stderr, /signal|SIGUSR1/i);
});

test("a hook that does not read its standard input is no failure", async () => {
  const annotations = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`org.example.${index}`, "x".repeat(100)]),
  );
  const hooks = { createRuntime: [{ path: "/bin/true" }], poststop: [{ path: "/bin/true" }] };
  const { code, stderr } = await run({ annotations, hooks });
  assert.is(code, 0, stderr);
});

test("ten thousand lines of a hook do not block, and its error tells the last of them", async () => {
  const folder = hookFolder();
  const text = "seq -f 'line %.0f of out' 10000; seq -f 'line %.0f of err' 10000 >&2";
  const ended = folder.add("loud", text);
  const failing = folder.add("failing", `${text}; echo 'the reason ü' >&2; exit 7`);
  const patch = { hooks: { createRuntime: [{ path: ended }], createContainer: [{ path: ended }] } };
  const { code, stderr } = await run(patch);
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
  for (const kind of ["createRuntime", "createContainer"]) {
    const failed = await run({ hooks: { [kind]: [{ path: failing }] } });
    assert.is(failed.code, 1);
    assert.match(
      failed.stderr.trim(),
      /exit status 7, output: …line \d+ of err.*\D10000 of err.*the reason ü"\n/s,
    );
    assert.ok(failed.stderr.length < 5000, `${failed.stderr.length}`);
  }
});

test("hooks start in the bundle, startContainer's in the working directory of the program", async () => {
  const folder = hookFolder();
  const look = (name: string): string => folder.add(name, `pwd > $DIR/${name}.pwd`);
  const early = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
  const directory = bundle({
    root: { path: newRootfs() },
    hooks: {
      ...Object.fromEntries(early.map((kind) => [kind, [{ path: look(kind) }]])),
      startContainer: [{ path: "/bin/sh", args: ["sh", "-c", "pwd > /tmp/seen"] }],
    },
    process: { cwd: "/work", ...script("cat /tmp/seen") },
  });
  const { code, stdout, stderr } = await runt(["run", "--bundle", directory, freshName()]);
  assert.is(code, 0, stderr);
  assert.is(stdout, "/work\n");
  for (const kind of early) assert.is(folder.read(`${kind}.pwd`), `${directory}\n`, kind);
});

test("a hook inherits no descriptor, neither the caller's nor the runtime's", async () => {
  const folder = hookFolder();
  const path = folder.add("fds", "exec ls /proc/self/fd > $DIR/$1.fds");
  const kinds = ["createRuntime", "createContainer", "poststart", "poststop"];
  const entries = kinds.map((kind) => [kind, [{ path, args: [path, kind] }]]);
  const patch = { root: { path: newRootfs() }, hooks: Object.fromEntries(entries) };
  const fds = ["a", "b"].map((name) => openWith(join(folder.directory, name), name));
  const command = ["run", "--preserve-fds", "2", "--bundle", bundle(patch), freshName()];
  const { code, stderr } = await runt(command, { fds });
  assert.is(code, 0, stderr);
  // ls reads the directory through a fourth.
  for (const kind of kinds) assert.is(folder.read(`${kind}.fds`), "0\n1\n2\n3\n", kind);
});

test("a child that a hook leaves behind does not block the runtime", async () => {
  const folder = hookFolder();
  const path = folder.add("fork", "setsid sleep 20 & echo $! > $DIR/child");
  const startedMs = performance.now();
  const { code, stderr } = await run({ hooks: { createRuntime: [{ path }] } });
  const child = Number(folder.read("child"));
  assert.ok(isRunning(child), "what a hook leaves in time is the hook's own affair");
  process.kill(child, "SIGKILL");
  assert.is(code, 0, stderr);
  assert.ok(performance.now() - startedMs < 10_000);
});

test("a hook may look at the container while it is made: state answers", async () => {
  const folder = hookFolder();
  const id = freshName();
  const program = process.env["RUNTIME"] ?? join(import.meta.dir, "../../build/runt");
  const root = join(folder.directory, "..", "root");
  const path = folder.add(
    "hook",
    `PATH=/usr/sbin:/usr/bin:/bin ${program} --root ${root} state ${id} > $DIR/state 2>&1`,
  );
  const directory = bundle({ hooks: { createRuntime: [{ path, timeout: 5 }] } });
  const { code, stderr } = await runt(["create", "--bundle", directory, id]);
  assert.is(code, 0, `${stderr}${folder.read("state")}`);
  assert.match(JSON.parse(folder.read("state") ?? "null").status, /^creat(ing|ed)$/);
  assert.is((await runt(["delete", "--force", id])).code, 0);
});

test("hooks without a path, with one that is not absolute, or a timeout below 1, are refused", async () => {
  for (const kind of ["prestart", "createRuntime"]) {
    for (const hook of [{}, { path: "bin/true" }, { path: "/bin/true", timeout: 0 }]) {
      const { code, stderr } = await run({ hooks: { [kind]: [hook] } });
      assert.is(code, 1);
      if (!foreignRuntime) assert.match(stderr, new RegExp(`/hooks/${kind}/0`));
    }
    shows(`config.hooks.${kind}.path`, `config.hooks.${kind}.path.absolute`);
    shows(`config.hooks.${kind}.timeout`);
  }
});

test("a static program is a hook as well as a script", async () => {
  const folder = hookFolder();
  mkdirSync(join(folder.directory, "bin"));
  const path = join(folder.directory, "bin/touch");
  copyFileSync("/bin/busybox", path);
  const made = join(folder.directory, "made");
  const { code, stderr } = await run({
    hooks: { createRuntime: [{ path, args: ["touch", made] }] },
  });
  assert.is(code, 0, stderr);
  assert.ok(existsSync(made));
});

runTests();
