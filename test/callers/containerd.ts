// What containerd and its users ask of a runtime, by its client `ctr`; the same for all versions.

import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { endOutlivedHierarchies } from "../conformance/hierarchies.ts";
import { bundle, inUserNamespace, script } from "../support/bundle.ts";
import {
  type Containerd,
  type ContainerdOptions,
  containerdMissing,
  isFirst,
  SHIM,
  startContainerd,
} from "../support/callers/containerd.ts";
import { listenForEvents, type TaskEvent } from "../support/callers/containerd-events.ts";
import {
  limitOf,
  removeContainer,
  runConfiguration,
  runImage,
  runtState,
  withTask,
} from "../support/callers/containerd-task.ts";
import { imageName } from "../support/callers/image.ts";
import { readProc } from "../support/process.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { runtime } from "../support/runt.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { startOn, withTerminal } from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";
import { tryPod } from "./containerd-pod.ts";

/**
 * Tests a containerd.
 * @param more adds tests of what not every shim has
 */
export function testContainerd(
  options: ContainerdOptions,
  more?: (containerd: () => Containerd) => void,
): void {
  const missing = containerdMissing(options.folder);
  if (missing !== undefined) {
    skip(`containerd of ${options.folder}`, missing);
    test.run();
    return;
  }
  const byOurShim = options.shim === SHIM.runt;
  // What begins a message.
  const failed = (command: string): string =>
    `OCI runtime ${command} failed: ${byOurShim ? "" : `runt ${command} failed: `}`;
  let containerd: Containerd;
  test.before(async () => {
    // With a hierarchy that is mounted nowhere, the shim sees no cgroup at all.
    endOutlivedHierarchies();
    containerd = await startContainerd(options);
  });

  test("a container writes and ends as the client's own program", async () => {
    const text = "dd if=/dev/zero bs=65536 count=160 2>/dev/null; echo oops >&2; exit 7";
    const { code, stdout, stderr } = await runImage(containerd, [], "sh", "-c", text);
    assert.equal([stdout.length, code], [160 * 65_536, 7]);
    assert.match(stderr, /oops\n/);
  });

  test("limits, rights, mounts and environment are those that were asked for", async () => {
    const source = freshDirectory();
    writeFileSync(join(source, "file"), "of the host\n");
    const flags = [
      "--memory-limit=33554432",
      "--cpus=0.5",
      "--read-only",
      `--mount=type=bind,src=${source},dst=/mnt/ro,options=rbind:ro`,
      "--mount=type=tmpfs,src=tmpfs,dst=/mnt/tmpfs,options=size=64k:noexec",
      "--env=COLOUR=green",
      "--cap-add=CAP_SYS_ADMIN",
      "--cap-drop=CAP_CHOWN",
      "--seccomp",
      "--cwd=/home/tester",
      "--device=/dev/fuse",
      "--annotation=org.example.key=value",
    ];
    const look = `
      pwd; echo $COLOUR; grep -E '^(CapEff|Seccomp|NoNewPrivs):' /proc/self/status
      cat /mnt/ro/file; touch /mnt/ro/file /file; df -k /mnt/tmpfs | tail -n 1; ls /dev/fuse`;
    await withTask(containerd, { flags, script: look }, async ({ id, shown }) => {
      for (const line of [
        "/home/tester\ngreen\n",
        "CapEff:\t00000000a82425fa",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "of the host",
        "touch: /mnt/ro/file: Read-only file system",
        "touch: /file: Read-only file system",
        "/dev/fuse",
      ]) {
        assert.ok(shown.includes(line), `${line} in:\n${shown}`);
      }
      assert.match(shown, /tmpfs +64 /);
      const memory = limitOf(id, { v1: "memory.limit_in_bytes", v2: "memory.max" });
      assert.is(memory, "33554432");
      assert.match(limitOf(id, { v1: "cpu.cfs_quota_us", v2: "cpu.max" }), /^50000/);
      const { annotations } = await runtState(containerd, id);
      assert.is(annotations?.["org.example.key"], "value");
    });
  });

  test("a configuration of the client's own says user, groups, limits and filter", async () => {
    const shown = await runConfiguration(containerd, {
      process: {
        user: { uid: 1000, gid: 1000, additionalGids: [2000] },
        rlimits: [{ type: "RLIMIT_NOFILE", soft: 200, hard: 200 }],
        ...script("id -u; id -G; ulimit -n; ulimit -Hn; mkdir /tmp/x 2>&1; hostname"),
      },
      hostname: "chosen",
      linux: {
        seccomp: {
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
        },
      },
    });
    const [refused = ""] = shown.match(/^mkdir: .*$/m) ?? [];
    assert.match(refused, /not supported/);
    assert.is(shown, `1000\n1000 2000\n200\n200\n${refused}\nchosen\n`);
  });

  test("a container has a user namespace, the host's namespaces, or all rights", async () => {
    const own = { process: { args: ["cat", "/proc/self/uid_map"] }, linux: inUserNamespace };
    const flags = containerd.plainRuntime;
    assert.match(await runConfiguration(containerd, own, flags), /^\s+0\s+100000\s+65536\n/);
    // With these two flags, ctr of containerd 1 forgets --runc-binary.
    if (!isFirst(options.folder)) {
      const map = ["--uidmap=0:100000:65536", "--gidmap=0:100000:65536"];
      const text = "cat /proc/self/uid_map; id -u; touch /root/file && echo written";
      const command = [...flags, ...map, imageName, freshName(), "sh", "-c", text];
      const mapped = await containerd.ctr(["run", "--rm", ...command]);
      const seen = `${mapped.stdout}${mapped.stderr}`;
      assert.match(seen, /^\s+0\s+100000\s+65536\n0\nwritten\n/, seen);
    }

    const net = await runImage(containerd, ["--net-host"], "readlink", "/proc/self/ns/net");
    assert.is(net.stdout.trim(), readlinkSync("/proc/self/ns/net"));
    const name = freshName();
    Bun.spawnSync(["ip", "netns", "add", name]);
    const join = [`--with-ns=network:/run/netns/${name}`];
    const joined = await runImage(containerd, join, "stat", "-Lc%i", "/proc/self/ns/net");
    assert.is(joined.stdout.trim(), `${statSync(`/run/netns/${name}`).ino}`);
    Bun.spawnSync(["ip", "netns", "delete", name]);
    const privileged = [...flags, "--privileged", "--no-pivot", imageName, freshName()];
    const look = ["grep", "CapEff", "/proc/self/status"];
    const all = await containerd.ctr(["run", "--rm", ...privileged, ...look]);
    assert.is(all.stdout, readProc("self", "status").match(/^CapEff.*\n/m)?.[0]);
  });

  test("why a container cannot be created is what the client's user reads", async () => {
    for (const [flags, program, message] of [
      [[], "nonesuch", 'exec: "nonesuch": executable file not found in $PATH'],
      [[], "/bin/nonesuch", 'exec: "/bin/nonesuch": stat /bin/nonesuch: no such file or directory'],
      [[], "/bin/not-executable", 'exec: "/bin/not-executable": permission denied'],
      [["--mount=type=bind,src=/nonesuch,dst=/mnt,options=rbind"], "true", '"/nonesuch"'],
    ] as const) {
      const { code, stderr } = await runImage(containerd, flags, program);
      assert.is(code, 1);
      assert.ok(stderr.includes(message), `${message} in ${stderr}`);
      assert.ok(stderr.includes(failed("create")), stderr);
    }
  });

  test("a terminal is sized, interrupted and typed on, in a container and in an exec", async () => {
    const text = `tty; until [ "$(stty size)" = "20 50" ]; do sleep 0.05; done
      echo sized; read -r line; echo "got $line"; trap 'exit 3' INT; echo trapped
      while :; do sleep 0.1; done`;
    const id = freshName();
    const exec = [...containerd.exec, "--tty", "--exec-id=x"];
    await withTask(containerd, { script: "echo" }, async (task) => {
      for (const command of [
        [...containerd.run(), "--rm", "--tty", imageName, id],
        [...exec, task.id],
      ]) {
        await withTerminal(async (terminal) => {
          const client = startOn(terminal, [...containerd.client, ...command, "sh", "-c", text]);
          await terminal.shows("/dev/pts/");
          // A size that comes before the client looks for changes is not noticed by it.
          await waitUntil("the new size", () => {
            terminal.resize({ height: 20, width: 50 });
            client.kill("SIGWINCH");
            return terminal.shown().includes("sized");
          });
          terminal.type("a line\r");
          await terminal.shows(/got a line\s+trapped/);
          terminal.type("\x03");
          assert.is(await client.exited, 3);
        });
      }
    });
  });

  test("processes are executed in a container: as other users, detached, and killed", async () => {
    await withTask(
      containerd,
      { flags: ["--env=COLOUR=green"], script: "echo" },
      async ({ id }) => {
        const exec = (flags: readonly string[], ...args: string[]) =>
          containerd.ctr([...containerd.exec, `--exec-id=${freshName()}`, ...flags, id, ...args]);
        const look = "id -u; pwd; echo $HOME $COLOUR; exit 9";
        const root = await exec([], "sh", "-c", look);
        assert.equal([root.stdout, root.code], ["0\n/\n/root green\n", 9]);
        const other = await exec(["--user=tester", "--cwd=/tmp"], "sh", "-c", look);
        assert.equal([other.stdout, other.code], ["1000\n/tmp\n/home/tester green\n", 9]);
        assert.is((await exec([], "sh", "-c", "kill -KILL $$")).code, 128 + 9);

        for (const [flags, program, message] of [
          [[], "nonesuch", 'exec: "nonesuch": executable file not found in $PATH'],
          [[], "/bin/not-executable", 'exec: "/bin/not-executable": permission denied'],
          [["--cwd=/nonesuch"], "true", '"/nonesuch"'],
        ] as const) {
          const { code, stderr } = await exec(flags, program);
          assert.is(code, 1);
          assert.ok(stderr.includes(message), `${message} in ${stderr}`);
          assert.ok(stderr.includes(failed("exec")), stderr);
        }

        const detached = [...containerd.exec, "-d", "--exec-id=background", id, "sleep", "1000"];
        await containerd.does(...detached);
        const listed = () => containerd.does("task", "ps", id);
        assert.match(await listed(), /background/);
        await containerd.does("task", "kill", "--signal=KILL", "--exec-id=background", id);
        await waitUntil("its end", async () => !(await listed()).includes("background"));
        await containerd.does("task", "pause", id);
        assert.match((await exec([], "true")).stderr, /cannot exec in a paused state/);
      },
    );
  });

  test("a client attaches to a container that has been started before", async () => {
    const then = 'while read -r line; do echo "got $line"; done; sleep 1000';
    await withTask(containerd, { script: "echo", then }, async ({ id }) => {
      const client = containerd.start(["task", "attach", id], { stdin: "a line\n" });
      await waitUntil("the answer", () => client.stdout() === "got a line\n");
      await containerd.does("task", "kill", "--signal=KILL", id);
      assert.is((await client.ended).code, 128 + 9);
    });
  });

  test("a container is paused, resumed, measured, changed and killed", async () => {
    await withTask(containerd, { script: "echo" }, async ({ id }) => {
      await containerd.does("task", "pause", id);
      await containerd.becomes(id, "PAUSED");
      await containerd.does("task", "resume", id);
      await containerd.becomes(id, "RUNNING");
      const { pid } = await runtState(containerd, id);
      assert.match(await containerd.does("task", "ps", id), new RegExp(`^${pid}\\s`, "m"));
      assert.match(await containerd.does("task", "metrics", id), /^memory.usage\S* +[1-9]/m);

      const changed = await containerd.tasks.update(id, { memory: { limit: 50_003_968 } });
      assert.is(changed.status, 0, changed.message);
      const memory = limitOf(id, { v1: "memory.limit_in_bytes", v2: "memory.max" });
      assert.is(memory, "50003968");

      const checkpoint = await containerd.ctr(["task", "checkpoint", id]);
      assert.is(checkpoint.code, 1);
      assert.match(checkpoint.stderr, /checkpoint/);
      await containerd.becomes(id, "RUNNING");

      await containerd.does("task", "kill", "--signal=USR1", id);
      await containerd.becomes(id, "STOPPED");
      const late = await containerd.ctr(["task", "kill", id]);
      assert.match(late.stderr, /process already finished: not found/);
      const removed = await containerd.ctr(["task", "rm", id]);
      assert.match(removed.stderr, /exit with non-zero exit code 10/);
    });
  });

  test("a container that is killed by its memory limit is reported as such", async () => {
    const then = `mkfifo /out/go; read -r line < /out/go
      dd if=/dev/zero of=/dev/null bs=64M 2>/dev/null; sleep 1000`;
    const events = await listenForEvents(containerd);
    const given = { flags: ["--memory-limit=8000000"], script: "echo", then };
    await withTask(containerd, given, async ({ id, out }) => {
      // The shim looks for it from the answer to `start` on.
      await waitUntil("the fifo", () => existsSync(join(out, "go")));
      writeFileSync(join(out, "go"), "go\n");
      await events.until(id, "oom");
    });
    await events.stop();
  });

  test("the events of a container's life are those of runc", async () => {
    const events = await listenForEvents(containerd);
    const life = async (binary?: string): Promise<TaskEvent[]> => {
      const id = freshName();
      await containerd.does(...containerd.run(binary), "-d", imageName, id, "sleep", "1000");
      await containerd.does(...containerd.exec, "--exec-id=x", id, "true");
      await containerd.does("task", "pause", id);
      await containerd.does("task", "resume", id);
      const missing = await containerd.ctr([...containerd.exec, "--exec-id=y", id, "nonesuch"]);
      assert.is(missing.code, 1);
      await containerd.does(...containerd.exec, "-d", "--exec-id=z", id, "sleep", "1000");
      await containerd.does("task", "kill", "--signal=TERM", "--exec-id=z", id);
      await events.until(id, "exit", 2);
      await containerd.does(...containerd.exec, "-d", "--exec-id=last", id, "sleep", "1000");
      await containerd.does("task", "kill", "--signal=KILL", id);
      await containerd.becomes(id, "STOPPED");
      await removeContainer(containerd, id);
      return events.untilRemoved(id);
    };
    const told = await life();
    const expected = await life("runc");
    assert.equal(told.map(({ topic }) => topic).slice(0, 15), [
      ...["create", "start", "exec-added", "exec-started", "exit", "paused", "resumed"],
      "exec-added",
      ...["exec-added", "exec-started", "exit", "exec-added", "exec-started", "exit", "exit"],
    ]);
    // The shim of containerd 2 may end before it has sent the last event, with any runtime.
    const isCertain = ({ topic }: TaskEvent): boolean =>
      topic !== "delete" || isFirst(options.folder);
    assert.equal(told.filter(isCertain), expected.filter(isCertain));
    await events.stop();
  });

  test("a created container can be changed and killed, and deleted", async () => {
    const id = freshName();
    const config = join(bundle(script("exit 0")), "config.json");
    // The reference shim takes options at its creation, ours where `ctr` has them.
    const how = byOurShim ? containerd.runtime() : [];
    await containerd.does("container", "create", ...how, `--config=${config}`, id);
    const { tasks } = containerd;
    const created = await tasks.create(id, containerd.options);
    assert.is(created.status, 0, created.message);
    assert.is((await runtState(containerd, id)).status, "created");
    assert.is((await tasks.update(id, { cpu: { shares: 512 } })).status, 0);
    if (!byOurShim) {
      assert.match((await tasks.delete(id)).message, /not stopped: created/);
      await containerd.does("task", "kill", "--signal=KILL", id);
      await containerd.becomes(id, "STOPPED");
    }
    assert.is((await tasks.delete(id)).status, 0);
    assert.equal(readdirSync(containerd.root), []);
    await containerd.does("container", "rm", id);
  });

  test("a pod of Kubernetes has containers, by the handler of the README", async () => {
    await tryPod(containerd);
  });

  test("containers outlive the daemon, and are known to the next one", async () => {
    await withTask(containerd, { script: "echo" }, async ({ id }) => {
      await containerd.restart();
      await containerd.becomes(id, "RUNNING");
      await containerd.does(...containerd.exec, "--exec-id=x", id, "true");
      await containerd.does("task", "kill", "--signal=KILL", id);
      await containerd.becomes(id, "STOPPED");
    });
  });

  if (!byOurShim) {
    test("it is this program that runs, by its own log and its own records", async () => {
      const wrapper = join(freshDirectory(), "wrapper");
      writeFileSync(wrapper, `#!/bin/sh\nexec ${runtime} --debug "$@"\n`, { mode: 0o755 });
      const id = freshName();
      await containerd.does(...containerd.run(wrapper), "-d", imageName, id, "sleep", "1000");
      const lines = readFileSync(join(containerd.bundles, id, "log.json"), "utf8")
        .trim()
        .split("\n");
      const ops = lines.map((line) => JSON.parse(line).op);
      assert.ok(ops.includes("root.pivot") && ops.includes("start.await"), lines.join("\n"));
      assert.equal(readdirSync(containerd.root), [id]);
      await removeContainer(containerd, id);
      assert.equal(readdirSync(containerd.root), []);
    });
  }

  if (!isFirst(options.folder)) {
    test("containerd is told what the program can do", async () => {
      const flags = containerd.runtime();
      const told = await containerd.does("plugins", "inspect-runtime", ...flags);
      assert.ok(JSON.parse(told).Features.linux.namespaces.includes("time"), told);
    });
  }

  more?.(() => containerd);
  runTests({ atEnd: () => containerd.stop() });
}
