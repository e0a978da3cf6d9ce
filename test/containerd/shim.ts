// What our shim is asked besides what every runtime is: to be killed, to be upgraded, to hold a pod,
// and to outlive containerd.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { testContainerd } from "../callers/containerd.ts";
import { bundle, script } from "../support/bundle.ts";
import { type Containerd, SHIM } from "../support/callers/containerd.ts";
import { listenForEvents } from "../support/callers/containerd-events.ts";
import { removeContainer } from "../support/callers/containerd-task.ts";
import { imageName } from "../support/callers/image.ts";
import { isRunning, readProc, statusFields } from "../support/process.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { runtime } from "../support/runt.ts";
import { test } from "../support/suite.ts";
import { startOn, type Terminal, withTerminal } from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";

/** Tests our shim with the containerd of a folder. */
export function testShim(folder: string): void {
  testContainerd({ folder, shim: SHIM.runt }, addTests);
}

function addTests(get: () => Containerd): void {
  test("the container's parent is the shim, and nothing else has been started", async () => {
    const containerd = get();
    const { pid, id, end } = await begin(containerd, {});
    const shim = parentOf(pid);
    assert.is(readProc(shim, "comm"), "containerd-shim\n");
    assert.match(readlinkSync(`/proc/${shim}/exe`), /\/runt$/);
    assert.equal(childrenOf(shim), [pid]);
    assert.is(readdirSync(containerd.root).join(), id);
    assert.not(readdirSync(join(containerd.bundles, id)).includes("log.json"));
    process.kill(shim, "SIGUSR1");
    const line = new RegExp(`msg="?task.*id=${id}|id=${id}.*msg="?task`);
    await waitUntil("what the shim holds", () => line.test(containerd.daemon.log()));
    await end();
  });

  test("two containers of a pod have one shim, and one can outlive the other", async () => {
    const containerd = get();
    const first = await begin(containerd, {});
    const second = await begin(containerd, { group: first.id });
    const shim = parentOf(first.pid);
    assert.is(parentOf(second.pid), shim);
    await first.end();
    await containerd.does(...containerd.exec, "--exec-id=x", second.id, "true");
    await second.end();
    await waitUntil("the shim's end", () => !isRunning(shim));
  });

  test("a container in another's pid namespace ends alone, with all of its own", async () => {
    const containerd = get();
    const first = await begin(containerd, {});
    const joined = await begin(containerd, {
      group: first.id,
      flags: [`--with-ns=pid:/proc/${first.pid}/ns/pid`],
      args: ["sh", "-c", "sleep 1000 & exec sleep 2000"],
    });
    const [other = 0] = await waitUntil("its second process", async () => {
      const others = (await listed(containerd, joined.id)).filter((pid) => pid !== joined.pid);
      return others.length > 0 && others;
    });
    await containerd.does("task", "kill", "--signal=KILL", joined.id);
    await containerd.becomes(joined.id, "STOPPED");
    await waitUntil("the end of what it left", () => !isRunning(other));
    await containerd.becomes(first.id, "RUNNING");
    await joined.end();
    await first.end();
  });

  test("output goes to a program that logs, or to a file, as with the reference's", async () => {
    const containerd = get();
    const written = async (binary?: string) => {
      const folder = freshDirectory();
      // The reference sends SIGTERM as soon as the container has ended.
      const logger = `cd ${folder}; trap '' TERM; tr '\\0' '\\n' < /proc/$$/environ > environment
        cat <&3 >stdout 5>&- & cat <&4 >stderr 5>&- & exec 5>&-; wait`;
      const program = `binary:///bin/sh?-c=${encodeURIComponent(logger)}`;
      const id = freshName();
      for (const uri of [program, `file://${folder}/logs/file`]) {
        const text = "seq 200000; echo err >&2; exit 3";
        const run = [...containerd.run(binary), "--rm", "--log-uri", uri, imageName, id];
        assert.is((await containerd.ctr([...run, "sh", "-c", text])).code, 3);
      }
      return ["environment", "stdout", "stderr", "logs/file"].map((name) =>
        readFileSync(join(folder, name), "utf8").replace(id, "ID"),
      );
    };
    const [environment, stdout, stderr, file] = await written();
    assert.is(environment, "CONTAINER_ID=ID\nCONTAINER_NAMESPACE=default\n");
    assert.is(stdout?.split("\n").length, 200_001);
    assert.is(stderr, "err\n");
    assert.is(file, `${stdout}err\n`);
    const theirs = await written("runc");
    assert.equal(theirs.slice(0, 3), [environment, stdout, stderr]);
    // It copies each output by itself: the second may come before the end of the first.
    assert.ok(theirs[3]?.replace("err\n", "") === stdout);
  });

  test("a terminal outlives a client that is killed, and takes the next one", async () => {
    const containerd = get();
    const id = freshName();
    const onTerminal = (words: readonly string[], use: (it: OnTerminal) => Promise<void>) =>
      withTerminal(async (terminal) => {
        await use({ terminal, client: startOn(terminal, [...containerd.client, ...words]) });
      });
    const text = "while read -r line; do echo got $line; done; exit 4";
    const run = [...containerd.run(), "-d", "--tty", imageName, id, "sh", "-c", text];
    await onTerminal(run, async ({ client }) => assert.is(await client.exited, 0));
    await onTerminal(["task", "attach", id], async ({ terminal, client }) => {
      terminal.type("a line\r");
      await terminal.shows(/got a line/);
      client.kill("SIGKILL");
      await client.exited;
    });
    await onTerminal(["task", "attach", id], async ({ terminal, client }) => {
      terminal.type("another\r");
      await terminal.shows(/got another/);
      terminal.type("\x04");
      assert.is(await client.exited, 4);
    });
    // Its client has deleted the task.
    await containerd.does("container", "rm", id);
  });

  test("containers end with a shim that is killed, as the reference's do", async () => {
    const containerd = get();
    const events = await listenForEvents(containerd);
    const killed = async (binary?: string) => {
      const first = await begin(containerd, { binary });
      const second = await begin(containerd, { binary, group: first.id });
      process.kill(parentOf(first.pid), "SIGKILL");
      for (const { id, pid } of [first, second]) {
        await waitUntil(`end of ${id}`, () => !isRunning(pid));
        await waitUntil(`removal of ${id}`, () => !existsSync(join(containerd.bundles, id)));
        await containerd.does("container", "rm", id);
      }
      return [await events.untilRemoved(first.id), await events.untilRemoved(second.id)];
    };
    const told = await killed();
    assert.equal(told, await killed("runc"));
    assert.equal(readdirSync(containerd.root), []);
    await events.stop();
  });

  test("how a container ended is known after its shim was killed", async () => {
    const containerd = get();
    const events = await listenForEvents(containerd);
    const ended = await begin(containerd, { args: ["sh", "-c", "sleep 0.1; exit 7"] });
    const shim = parentOf(ended.pid);
    await containerd.becomes(ended.id, "STOPPED");
    process.kill(shim, "SIGKILL");
    await waitUntil("clean-up", () => !existsSync(join(containerd.bundles, ended.id)));
    const told = await events.until(ended.id, "delete");
    for (const { topic, fields } of told) {
      if (topic === "exit" || topic === "delete") assert.is(Object(fields).exit_status, 7, topic);
    }
    await containerd.does("container", "rm", ended.id);
    await events.stop();
  });

  test("a worker that is killed is an error of its one request", async () => {
    const containerd = get();
    const first = await begin(containerd, {});
    const shim = parentOf(first.pid);
    const folder = freshDirectory();
    const text = `touch ${folder}/begun; until [ -e ${folder}/end ]; do sleep 0.05; done`;
    const directory = bundle({
      process: script("exit 0"),
      hooks: { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", text] }] },
      annotations: { "io.containerd.runc.v2.group": first.id },
    });
    const config = `--config=${join(directory, "config.json")}`;
    const id = freshName();
    const client = containerd.start([...containerd.run(), config, id]);
    await waitUntil("the hook", () => existsSync(join(folder, "begun")));
    const worker = childrenOf(shim).find((child) => childrenOf(child).length > 0) ?? 0;
    process.kill(worker, "SIGKILL");
    const { code, stderr } = await client.ended;
    writeFileSync(join(folder, "end"), "");
    assert.is(code, 1);
    assert.match(stderr, /OCI runtime create failed: the worker ended with 137/);
    await containerd.does(...containerd.exec, "--exec-id=x", first.id, "true");
    await waitUntil("the end of what it made", () => childrenOf(shim).join() === `${first.pid}`);
    assert.equal(readdirSync(containerd.root), [first.id]);
    await containerd.ctr(["container", "rm", id]);
    await first.end();
  });

  test("a shim that runs goes on from the program that it began with", async () => {
    const containerd = get();
    const { program, log, replace, remove } = copyOfProgram();
    try {
      const flags = ["--runtime", program];
      const before = await begin(containerd, { runtime: flags });
      replace();
      const exec = [...containerd.exec, "--exec-id=x", before.id, "echo", "hello"];
      assert.is(await containerd.does(...exec), "hello\n");
      assert.not(existsSync(log), "a program was started");
      await before.end();
      assert.match(readFileSync(log, "utf8"), /-bundle \S+ delete\n$/);
      const after = await begin(containerd, { runtime: flags });
      assert.match(readFileSync(log, "utf8"), new RegExp(`-id ${after.id} start\n$`));
      await after.end();
    } finally {
      remove();
    }
  });

  test("options that cannot be read are said to the client's user", async () => {
    const containerd = get();
    const file = join(freshDirectory(), "options.toml");
    for (const [text, message] of [
      [undefined, `openat("${file}", O_RDONLY): no such file or directory`],
      ["Root = 1\n", "Root is 1, wanted a text"],
      ["Root =", file],
    ] as const) {
      if (text !== undefined) writeFileSync(file, text);
      const flags = ["--rm", "--runtime", SHIM.runt, "--runtime-config-path", file];
      const { code, stderr } = await containerd.ctr([
        "run",
        ...flags,
        imageName,
        freshName(),
        "true",
      ]);
      assert.is(code, 1);
      assert.ok(stderr.includes(message), `${message} in ${stderr}`);
    }
  });

  test("what ends while containerd is away is told when it is back, once and in order", async () => {
    const containerd = get();
    const folder = freshDirectory();
    const mount = `--mount=type=bind,src=${folder},dst=/out,options=rbind:ro`;
    const text = "until [ -e /out/go ]; do sleep 0.05; done; exit 7";
    const stays = await begin(containerd, {});
    const orphan = await begin(containerd, {});
    const ends = await begin(containerd, { flags: [mount], args: ["sh", "-c", text] });
    await containerd.does(...containerd.exec, "-d", "--exec-id=x", ends.id, "sleep", "1000");
    const tellEvents = await containerd.restartUnheard(async () => {
      process.kill(parentOf(orphan.pid), "SIGKILL");
      writeFileSync(join(folder, "go"), "");
      await waitUntil("its end", () => !isRunning(ends.pid));
    });
    const events = await listenForEvents(containerd);
    tellEvents();
    const told = await events.until(ends.id, "exit", 2);
    assert.equal(
      told.filter(({ topic }) => topic === "exit").map(({ fields }) => fields),
      [
        { container_id: "ID", id: "x", pid: "pid", exit_status: 137, exited_at: "time" },
        { container_id: "ID", id: "ID", pid: "pid", exit_status: 7, exited_at: "time" },
      ],
    );
    await containerd.becomes(stays.id, "RUNNING");
    await containerd.does(...containerd.exec, "--exec-id=x", stays.id, "true");
    // Without its shim it is no task any more, as with the reference.
    await waitUntil("the end of the orphan", () => !isRunning(orphan.pid));
    for (const { end } of [stays, orphan, ends]) await end();
    await events.stop();
  });
}

interface OnTerminal {
  terminal: Terminal;
  client: Bun.Subprocess;
}

interface Wanted {
  /** Another runtime than ours, by the reference shim. */
  binary?: string | undefined;
  /** Instead of all flags that say what runs it. */
  runtime?: readonly string[];
  /** The container whose shim it shares. */
  group?: string;
  flags?: readonly string[];
  args?: readonly string[];
}

interface Begun {
  id: string;
  pid: number;
  /** Ends it by force, with all that is left of it. */
  end(): Promise<void>;
}

async function begin(containerd: Containerd, wanted: Wanted): Promise<Begun> {
  const { binary, group, flags = [], args = ["sleep", "1000"] } = wanted;
  const id = freshName();
  const run = wanted.runtime === undefined ? containerd.run(binary) : ["run", ...wanted.runtime];
  const annotation = `--annotation=io.containerd.runc.v2.group=${group ?? id}`;
  await containerd.does(...run, "-d", annotation, ...flags, imageName, id, ...args);
  const [line = ""] =
    (await containerd.does("task", "ls")).match(new RegExp(`^${id}\\s+\\d+`, "m")) ?? [];
  const end = () => removeContainer(containerd, id);
  return { id, pid: Number(line.split(/\s+/)[1]), end };
}

/** Pids of the host of all processes of a container. */
async function listed({ does }: Containerd, id: string): Promise<number[]> {
  const lines = (await does("task", "ps", id)).matchAll(/^(\d+)\s/gm);
  return [...lines].map(([, pid]) => Number(pid));
}

function parentOf(pid: number): number {
  return Number(statusFields(readProc(pid, "status"))["PPid"]);
}

function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((child) => child > 0 && parentOf(child) === pid);
}

/** The shim as it is installed elsewhere, to be replaced by a script that logs and calls it. */
function copyOfProgram() {
  const folder = freshDirectory();
  const at = (name: string): string => join(folder, name);
  const built = dirname(runtime);
  mkdirSync(at("libexec"));
  for (const name of ["runt", "koffi.node"]) {
    copyFileSync(join(built, "libexec", name), join(at("libexec"), name));
  }
  const program = at("containerd-shim-runt-v2");
  const launcher = readFileSync(join(built, "containerd-shim-runt-v2"), "utf8");
  writeFileSync(program, launcher.replaceAll(join(built, "libexec"), at("libexec")), {
    mode: 0o755,
  });
  return {
    program,
    log: at("log"),
    replace: () => {
      const text = `#!/bin/sh\necho "$@" >> ${at("log")}\nexec ${join(built, "libexec/runt")} "$@"\n`;
      writeFileSync(at("new"), text, { mode: 0o755 });
      renameSync(at("new"), join(at("libexec"), "runt"));
    },
    // The read-only mount that runs have made of it.
    remove: () => Bun.spawnSync(["umount", "--lazy", `/run/runt/exe${at("libexec")}`]),
  };
}
