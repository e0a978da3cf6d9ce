// exec: another process in a container, as runc's callers use it.

import {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultNamespaces, inUserNamespace, type Json, type Patch } from "../support/bundle.ts";
import { type Container, withContainer } from "../support/container.ts";
import { isRunning, statusFields } from "../support/process.ts";
import { freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { type Outcome, type RuntOptions, runt, startRunt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const running: Patch = { args: ["/bin/sleep", "1000"] };

/** A running container; `exec` gives what a command in it prints, and wants exit code 0. */
function withRunning(
  patch: Patch,
  use: (container: Container, exec: (...args: string[]) => Promise<string>) => Promise<void>,
): Promise<void> {
  return withContainer({ process: running, ...patch }, async (container) => {
    await container.does("start");
    await use(container, async (...args) => {
      const outcome = await runt(["exec", ...args]);
      assert.is(outcome.code, 0, outcome.stderr);
      return outcome.stdout;
    });
  });
}

/** Runs `exec` with a process file of a shell script and more. */
function execFile(
  id: string,
  text: string,
  {
    more = {},
    flags = [],
    options = {},
  }: { more?: Patch; flags?: string[]; options?: RuntOptions },
): Promise<Outcome> {
  const file = processFile({ args: ["/bin/sh", "-c", text], ...more });
  return runt(["exec", ...flags, "--process", file, id], options);
}

function processFile(process: Record<string, Json>): string {
  const file = join(room.directory, `${freshName()}.json`);
  const base = { cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } };
  writeFileSync(file, JSON.stringify({ ...base, ...process }));
  return file;
}

test("a command is in the container, and its exit code is that of exec", async () => {
  await withRunning({}, async ({ id, state }, exec) => {
    const { pid } = await state();
    const inside = await exec(id, "sh", "-c", "for n in /proc/self/ns/*; do readlink $n; done");
    const links = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
    for (const name of links) {
      const link = Bun.spawnSync(["readlink", `/proc/${pid}/ns/${name}`]).stdout.toString();
      assert.match(inside, link.trim());
    }
    const cgroups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    const [own] = /^\d+:pids:.*$/m.exec(await exec(id, "cat", "/proc/self/cgroup")) ?? [];
    if (own !== undefined) assert.match(cgroups, /^\d+:pids:/m);
    assert.is((await runt(["exec", id, "sh", "-c", "exit 7"])).code, 7);
    assert.is((await runt(["exec", id, "sh", "-c", "kill -9 $$"])).code, 137);
  });
});

test("a process file says all of the process", async () => {
  await withRunning({}, async ({ id }) => {
    const more = { env: ["PATH=/bin", "A=1"], user: { uid: 5, gid: 6, additionalGids: [7] } };
    const text = "id -u; id -g; id -G; echo $A; pwd; echo $HOME";
    const outcome = await execFile(id, text, { more: { ...more, cwd: "/tmp" } });
    assert.equal(outcome, { code: 0, stdout: "5\n6\n6 7\n1\n/tmp\n/\n", stderr: "" });
  });
});

test("detached, it goes on alone, and its pid is in a file", async () => {
  await withRunning({}, async ({ id }) => {
    const pidFile = join(room.directory, freshName());
    const flags = ["--detach", "--pid-file", pidFile];
    const { code } = await execFile(id, "exec sleep 1000", { flags });
    assert.is(code, 0);
    const text = readFileSync(pidFile, "utf8");
    assert.match(text, /^\d+$/);
    const pid = Number(text);
    const fields = statusFields(readFileSync(`/proc/${pid}/status`, "utf8"));
    assert.is(fields["Name"], "sleep");
    process.kill(pid, "SIGKILL");
    await waitUntil("its end", () => !isRunning(pid));
  });
});

test("what fails is 255, with the words that callers look for", async () => {
  await withRunning({}, async ({ id, does }) => {
    const fails = async (pattern: RegExp, ...args: string[]): Promise<void> => {
      const { code, stderr } = await runt(["exec", ...args]);
      assert.is(code, 255, stderr);
      assert.match(stderr, pattern);
    };
    await fails(/exec: \\"nope\\": executable file not found in \$PATH/, id, "nope");
    await fails(/\/nope: no such file or directory/, id, "/nope");
    await fails(/permission denied/, id, "/etc/passwd");
    await fails(/chdir.*no such file or directory/, "--cwd", "/nope", id, "true");
    await fails(/does not exist/, "nobody", "true");
    await does("pause");
    await fails(/cannot exec in a paused container/, id, "true");
    await does("resume");
    await does("kill", "KILL");
    await waitUntil("its end", async () => (await runt(["state", id])).stdout.includes("stopped"));
    await fails(/cannot exec in a stopped container/, id, "true");
  });
});

test("flags change the process that the container was created with", async () => {
  const process: Patch = { ...running, env: ["PATH=/bin", "A=1", "B=1"], noNewPrivileges: true };
  await withRunning({ process }, async ({ id }, exec) => {
    const text =
      "id -u; id -g; id -G; pwd; echo $A$B$C $HOME; grep -E 'Cap|NoNew' /proc/self/status";
    const flags = [
      "--user",
      "5:6",
      "-g",
      "7",
      "-g",
      "8",
      "--cwd",
      "/tmp",
      "-e",
      "B=2",
      "--env=C=3",
    ];
    const [uid, gid, groups, cwd, variables, ...status] = (
      await exec(...flags, "--cap", "CAP_NET_RAW", id, "sh", "-c", text)
    ).split("\n");
    assert.equal([uid, gid, groups, cwd, variables], ["5", "6", "6 7 8", "/tmp", "123 /"]);
    const fields = statusFields(status.join("\n"));
    // What the container has, and CAP_NET_RAW (13); nothing without root's user id.
    assert.is(fields["CapBnd"], "0000000020002420");
    assert.is(fields["CapPrm"], "0000000000000000");
    assert.is(fields["NoNewPrivs"], "1");
    const root = statusFields(
      await exec("--no-new-privs=false", "--cap", "cap_net_raw", id, "cat", "/proc/self/status"),
    );
    assert.is(root["CapEff"], "0000000020002420");
    assert.is(root["NoNewPrivs"], "0");
    // Without a group the container's own stays.
    assert.is(await exec("--user", "5", id, "sh", "-c", "id -u; id -g"), "5\n0\n");
  });
});

test("users are numbers, and variables have names", async () => {
  const refused: [flags: string[], pattern: RegExp][] = [
    ...["root", "", ":", "1:", ":1", "0x1", "-1", "4294967295", "4294967296", "1:2:3", "1 "].map(
      (user): [string[], RegExp] => [
        [`--user=${user}`],
        user === "" ? /does not exist/ : /--user is/,
      ],
    ),
    [["--additional-gids", "x"], /--additional-gids is/],
    [["--env", "X"], /--env is/],
    [["--env", "=X"], /--env is/],
    [["--cwd", "tmp"], /--cwd is/],
    [["--timeout", "soon"], /--timeout is/],
    [["--timeout", "1s", "--detach"], /does not go with --detach/],
    [["--console-socket", "/x"], /does not exist|cannot use console socket/],
    [["--process", "/dev/null"], /does not go with --process/],
  ];
  for (const [flags, pattern] of refused) {
    const { code, stderr } = await runt(["exec", ...flags, "nobody", "true"]);
    assert.is(code, 255, flags.join(" "));
    assert.match(stderr, pattern, flags.join(" "));
  }
  for (const args of [["nobody"], ["--process", "/dev/null", "--user", "1", "nobody"]]) {
    assert.is((await runt(["exec", ...args])).code, 255);
  }
});

test("what becomes of config.json after create changes nothing", async () => {
  const process: Patch = { ...running, env: ["PATH=/bin", "A=old"], user: { uid: 3, gid: 4 } };
  await withRunning({ process }, async ({ id, bundle }, exec) => {
    writeFileSync(join(bundle, "config.json"), "{");
    assert.is(await exec(id, "sh", "-c", "echo $A; id -u"), "old\n3\n");
  });
});

test("a process file that is silent on limits, labels and capabilities is bound as the container", async () => {
  const process: Patch = {
    ...running,
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 55, hard: 66 }],
    oomScoreAdj: 77,
    scheduler: { policy: "SCHED_BATCH", nice: 5 },
    ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 7 },
  };
  const text =
    "ulimit -n; cat /proc/self/oom_score_adj; grep Cap /proc/self/status; cat /proc/self/stat";
  await withRunning({ process }, async ({ id }, exec) => {
    const own = await exec(id, "sh", "-c", text);
    const fromFile = (await execFile(id, text, {})).stdout;
    for (const found of [own, fromFile]) {
      const [files, score] = found.split("\n");
      assert.equal([files, score], ["55", "77"]);
      assert.match(found, /CapEff:\t0000000020000420/);
      const fields = found.slice(found.lastIndexOf(")") + 2).split(" ");
      assert.equal([fields[16], fields[38]], ["5", "3"]);
    }
    // Whoever makes it does not count.
    const alone = { type: "RLIMIT_NPROC", soft: 1, hard: 1 };
    const one = { args: ["/bin/grep", "processes", "/proc/self/limits"], rlimits: [alone] };
    const user = { uid: room.firstSubordinate, gid: 0 };
    const limited = await execFile(id, "", { more: { ...one, user } });
    assert.match(limited.stdout, /Max processes +1 +1 /, limited.stderr);
    const more = { rlimits: [{ type: "RLIMIT_NOFILE", soft: 44, hard: 44 }], capabilities: {} };
    const other = (await execFile(id, text, { more })).stdout;
    assert.match(other, /^44\n77\n/);
    assert.match(other, /CapEff:\t0000000000000000/);
    // What a fork would take away is set on the last process of all, before it runs.
    const scheduler = { policy: "SCHED_BATCH", nice: 9, flags: ["SCHED_FLAG_RESET_ON_FORK"] };
    const cat = { args: ["/bin/cat", "/proc/self/stat"], scheduler };
    const { stdout } = await execFile(id, "", { more: cat });
    assert.is(stdout.slice(stdout.lastIndexOf(")") + 2).split(" ")[16], "9");
  });
});

test("it runs on the CPUs of execCPUAffinity, first and last", async () => {
  const process: Patch = { ...running, execCPUAffinity: { initial: "0", final: "1" } };
  const text = "grep Cpus_allowed_list /proc/self/status";
  const cpus = (found: string): string => found.trim().split(/\s+/).at(-1) ?? "";
  await withRunning({ process }, async ({ id }, exec) => {
    const all = readFileSync("/sys/fs/cgroup/cpuset/cpuset.cpus", "utf8").trim();
    assert.is(cpus(await exec(id, "sh", "-c", text)), "1");
    const initial = await execFile(id, text, { more: { execCPUAffinity: { initial: "0" } } });
    // The kernel decides: before Linux 6.2 entering a cpuset gave all that are in it.
    assert.ok(["0", all].includes(cpus(initial.stdout)));
    const { code, stderr } = await execFile(id, text, {
      more: { execCPUAffinity: { final: "4000" } },
    });
    assert.is(code, 255);
    assert.match(stderr, /affinity.set.*sched_setaffinity\(4000\).*EINVAL/);
  });
  shows("config.process.execCPUAffinity.final");
});

test("into a user namespace, a joined one, the host's pid namespace, and a created container", async () => {
  const seen =
    "id -u; cat /proc/self/uid_map; readlink /proc/self/ns/pid; readlink /proc/self/root";
  await withRunning({ linux: inUserNamespace }, async ({ id, state }, exec) => {
    const { pid } = await state();
    const [uid, map, pidNamespace, root] = (await exec(id, "sh", "-c", seen)).split("\n");
    assert.equal([uid, root], ["0", "/"]);
    assert.match(map ?? "", /^\s+0\s+100000\s+65536$/);
    assert.is(pidNamespace, readlinkSync(`/proc/${pid}/ns/pid`));
    const namespaces = [
      ...defaultNamespaces.filter((one) => !/"(pid|ipc)"/.test(JSON.stringify(one))),
      { type: "pid", path: `/proc/${pid}/ns/pid` },
      { type: "ipc", path: `/proc/${pid}/ns/ipc` },
    ];
    await withRunning({ linux: { namespaces } }, async (other, execOther) => {
      const ipc = await execOther(other.id, "readlink", "/proc/self/ns/ipc");
      assert.is(ipc.trim(), readlinkSync(`/proc/${pid}/ns/ipc`));
    });
  });
  const shared = [{ type: "mount" }];
  await withRunning(
    { hostname: undefined, linux: { namespaces: shared } },
    async ({ id }, exec) => {
      assert.is(
        (await exec(id, "readlink", "/proc/self/ns/pid")).trim(),
        readlinkSync("/proc/self/ns/pid"),
      );
    },
  );
  const none = { hostname: undefined, mounts: [], linux: { namespaces: [{ type: "ipc" }] } };
  await withRunning(none, async ({ id }, exec) => {
    assert.is(
      await exec("--cwd", "/etc", id, "sh", "-c", "pwd; ls -d /bin/busybox"),
      "/etc\n/bin/busybox\n",
    );
  });
  await withContainer({ process: running }, async ({ id, state }) => {
    const outcome = await runt(["exec", id, "echo", "early"]);
    assert.equal(outcome, { code: 0, stdout: "early\n", stderr: "" });
    assert.is((await state()).status, "created");
  });
});

test("of the caller's descriptors it has those that are to be preserved, and no others", async () => {
  await withRunning({}, async ({ id }) => {
    const file = join(room.directory, freshName());
    writeFileSync(file, "passed on\n");
    const fds = [openSync(file, "r"), openSync("/", "r"), openSync("/", "r")];
    const text = "cat <&3; ls /proc/self/fd | tr '\\n' ' '; env | grep -c LISTEN";
    const { stdout, stderr } = await runt(["exec", "--preserve-fds", "2", id, "sh", "-c", text], {
      fds,
      env: { LISTEN_FDS: "2" },
    });
    // 5 is the one that ls reads.
    assert.is(stdout, "passed on\n0 1 2 3 4 5 0\n", stderr);
    const { code, stderr: error } = await runt(["exec", "--preserve-fds", "9", id, "true"]);
    assert.is(code, 255);
    assert.match(error, /descriptor \d+ is to be preserved and is not open/);
  });
});

test("a place below the container's cgroup is asked for by --cgroup", async () => {
  await withRunning({}, async ({ id }, exec) => {
    const own = `/sys/fs/cgroup/pids/${id}`;
    if (!existsSync(own)) return;
    mkdirSync(join(own, "below"));
    const lines = await exec("--cgroup", "pids:below", id, "cat", "/proc/self/cgroup");
    assert.match(lines, new RegExp(`:pids:.*/${id}/below$`, "m"));
    assert.match(lines, new RegExp(`:cpu:.*/${id}$`, "m"));
    rmdirSync(join(own, "below"));
    for (const path of ["..", "../x", "pids:..", "/../x", "nope", "cpu:nope", "none:x"]) {
      const { code, stderr } = await runt(["exec", "--cgroup", path, id, "true"]);
      assert.is(code, 255, path);
      assert.match(stderr, /--cgroup/, path);
    }
  });
});

test("it waits in a paused container if told to, and no longer than its time", async () => {
  await withRunning({}, async ({ id, does }) => {
    const late = await runt([
      "exec",
      "--timeout",
      "500ms",
      id,
      "sh",
      "-c",
      "sleep 100 & sleep 100",
    ]);
    assert.is(late.code, 255);
    assert.match(late.stderr, /ran past its time of 0.5 s|not executed in time/);
    assert.equal(JSON.parse((await runt(["ps", "-f", "json", id])).stdout).length, 1);
    await does("pause");
    const frozen = await runt(["exec", "--ignore-paused", "--timeout", "200ms", id, "true"]);
    assert.is(frozen.code, 255);
    assert.match(frozen.stderr, /not executed in time/);
    const waiting = startRunt(["exec", "--ignore-paused", id, "echo", "resumed"]);
    await Bun.sleep(50);
    await does("resume");
    assert.equal(await waiting.ended, { code: 0, stdout: "resumed\n", stderr: "" });
    assert.is((await runt(["exec", "--timeout", "1m", id, "sh", "-c", "exit 3"])).code, 3);
  });
});

test("signals of the foreground are the process's", async () => {
  await withRunning({}, async ({ id }) => {
    const text = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done";
    const running = startRunt(["exec", id, "sh", "-c", text]);
    await waitUntil("the trap", () => running.stdout().includes("ready"));
    process.kill(running.pid, "SIGTERM");
    assert.is((await running.ended).code, 9);
  });
});

test("without HOME it is that of the user, from the container's passwd", async () => {
  const root = newRootfs();
  writeFileSync(join(root, "etc/passwd"), "a:x:12:12::/home/a:/bin/sh\n");
  await withRunning({ root: { path: root } }, async ({ id }) => {
    const home = async (uid: number, env: string[]): Promise<string> => {
      const more = { user: { uid, gid: 0 }, env: ["PATH=/bin", ...env] };
      return (await execFile(id, "echo $HOME", { more })).stdout;
    };
    assert.is(await home(12, []), "/home/a\n");
    assert.is(await home(12, ["HOME="]), "/home/a\n");
    assert.is(await home(13, []), "/\n");
    assert.is(await home(12, ["HOME=/x"]), "/x\n");
  });
});

runTests();
