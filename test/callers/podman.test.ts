// Podman of root, with our program as its runtime.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { imageName } from "../support/callers/image.ts";
import {
  cgroupParent,
  type Podman,
  podmanMissing,
  startPodman,
} from "../support/callers/podman.ts";
import { removeEmptyCgroups } from "../support/leaks.ts";
import { isRunning, readProc } from "../support/process.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const missing = podmanMissing();
let podman: Podman;
const inCgroup = `--cgroup-parent=${cgroupParent}`;
const run = ["run", "--rm", inCgroup];
const detached = ["run", "--detach", inCgroup];

/** What a shell script prints in a new container. It has to succeed. */
function inside(script: string, ...flags: string[]): Promise<string> {
  return podman.does(...run, "--network=none", ...flags, imageName, "sh", "-c", script);
}

/** The names of the runtime's commands so far that concern a container. */
function commandsOn(id: string): string[] {
  const calls = podman.runtimeCalls().filter((call) => call.includes(id));
  return calls.flatMap(
    (call) => /(?:^| )([a-z]+) /.exec(call.replace(/--\S+ (?=\/)/g, ""))?.[1] ?? [],
  );
}

if (missing !== undefined) {
  skip("Podman of root", missing);
  test.run();
} else {
  test.before(async () => {
    podman = await startPodman("root");
  });
  tests();
  runTests({
    atEnd: async () => {
      await podman.end();
      removeEmptyCgroups(room.prefix);
    },
  });
}

function tests(): void {
  test("a container's life is commands of the runtime, which logs for Podman", async () => {
    const script =
      "echo out; echo err >&2; trap 'echo asked; exit 3' TERM; echo ready; while :; do read x < /fifo; done";
    const name = freshName();
    const id = await podman.does(
      ...[...detached, "--runtime-flag=debug", `--name=${name}`, "--memory=64m"],
      ...["--health-cmd=is-healthy", imageName, "sh", "-c", `mkfifo /fifo; ${script}`],
    );
    await waitUntil("the program", async () => (await podman.does("logs", name)).includes("ready"));
    const logs = await podman.podman(["logs", name]);
    assert.equal([logs.stdout, logs.stderr], ["out\nready\n", "err\n"]);
    assert.is(
      await podman.does("inspect", "--format={{.OCIRuntime}} {{.State.Status}}", name),
      "runt running",
    );
    const create = podman.runtimeCalls().find((call) => call.includes(` create `));
    const log = /--log (\S+)/.exec(create ?? "")?.[1];
    assert.ok(log?.includes(id), create);
    if (!foreignRuntime) {
      const lines = (await podman.read(log ?? "")).trimEnd().split("\n");
      const ops = lines.map((line) => JSON.parse(line).op);
      for (const op of ["cgroup.create", "clone", "root.pivot", "start.await"]) {
        assert.ok(ops.includes(op), op);
      }
    }

    assert.match(await podman.does("top", name, "pid", "args"), /\n1 +sh -c /);
    const stats = JSON.parse(await podman.does("stats", "--no-stream", "--format=json", name));
    assert.match(stats[0].mem_usage, /\/ 67\.11MB$/);
    assert.is(stats[0].pids, "1");

    await podman.does("pause", name);
    assert.is(await podman.does("inspect", "--format={{.State.Status}}", name), "paused");
    await podman.does("unpause", name);
    await podman.does("update", "--memory=32m", "--cpus=0.5", name);
    assert.equal(
      ["memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us"].map((file) =>
        readFileSync(
          `/sys/fs/cgroup/${file.replace("/", `${cgroupParent}/libpod-${id}/`)}`,
          "utf8",
        ),
      ),
      ["33554432\n", "50000\n"],
    );

    await podman.does("stop", name);
    assert.is(await podman.does("wait", name), "3");
    assert.match(await podman.does("logs", name), /asked$/);
    await podman.does("start", name);
    await podman.does("kill", "--signal=KILL", name);
    assert.is(await podman.does("wait", name), "137");
    await podman.does("start", name);
    const pid = Number(await podman.does("inspect", "--format={{.State.Pid}}", name));
    assert.ok(isRunning(pid));
    await podman.does("rm", "--force", "--time=0", name);
    assert.not(isRunning(pid));
    assert.equal([...new Set(commandsOn(id))].sort(), [
      "create",
      "delete",
      "kill",
      "pause",
      "resume",
      "start",
      "update",
    ]);
  });

  test("limits, devices and rights are as asked", async () => {
    const out = await inside(
      [
        "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max",
        "stat -c '%n %F %t:%T %a' /dev/fuse",
        "grep -E 'CapEff|NoNewPrivs' /proc/self/status",
        "ulimit -n; ulimit -c; hostname; cat /proc/sys/kernel/msgmax /proc/self/oom_score_adj; umask",
        "ls /sys/class/net; ps -o args | sed -n 2p",
      ].join("; "),
      ...["--memory=64m", "--cpus=0.5", "--pids-limit=50", "--device=/dev/fuse"],
      ...["--cap-drop=all", "--cap-add=CHOWN,SYS_ADMIN", "--security-opt=no-new-privileges"],
      ...["--ulimit=nofile=512:1024", "--ulimit=nproc=1024:1024", "--ulimit=core=0"],
      ...["--hostname=here", "--sysctl=kernel.msgmax=4000", "--oom-score-adj=100"],
      ...["--umask=0027", "--init"],
    );
    assert.equal(out.split("\n"), [
      ...["67108864", "50000", "50", "/dev/fuse character special file a:e5 600"],
      ...["CapEff:\t0000000000200001", "NoNewPrivs:\t1"],
      ...["512", "0", "here", "4000", "100", "0027", "lo"],
      out.split("\n").at(-1) ?? "",
    ]);
    assert.match(out, /\n\/run\/podman-init -- sh -c [^\n]*$/);
  });

  test("mounts are as asked", async () => {
    const [shown, owned] = [freshDirectory(), freshDirectory()];
    writeFileSync(join(shown, "file"), "shown\n");
    const out = await inside(
      [
        "touch /x /shown/x 2>&1; cat /shown/file; touch /scratch/x /owned/x",
        "stat -c '%n %u %a' /scratch /owned; grep -E ' /(shown|scratch) ' /proc/self/mountinfo",
      ].join("; "),
      ...["--read-only", "--tmpfs=/scratch:size=1m,mode=1777", "--user=tester"],
      ...[`--volume=${shown}:/shown:ro,rslave`, `--volume=${owned}:/owned:U`],
    );
    const lines = out.split("\n");
    assert.equal(lines.slice(0, 5), [
      "touch: /x: Read-only file system",
      "touch: /shown/x: Read-only file system",
      ...["shown", "/scratch 0 1777", "/owned 1000 755"],
    ]);
    const mounts = lines.slice(5).sort().join("\n");
    assert.match(mounts, / \/shown ro,\S+ master:\d+ /);
    assert.match(mounts, / \/scratch rw,\S+ - tmpfs \S+ \S*size=1024k/);
  });

  test("a seccomp file is the filter, and a privileged container has none", async () => {
    const file = join(freshDirectory(), "seccomp.json");
    const forbidden = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38 };
    writeFileSync(file, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [forbidden] }));
    const text = "grep Seccomp: /proc/self/status; mkdir /x 2>&1";
    assert.equal((await inside(`${text}; true`, `--security-opt=seccomp=${file}`)).split("\n"), [
      "Seccomp:\t2",
      "mkdir: can't create directory '/x': Function not implemented",
    ]);
    const privileged = await inside(`${text} && test -e /dev/kmsg && echo all`, "--privileged");
    assert.equal(privileged.split("\n"), ["Seccomp:\t0", "all"]);
  });

  test("a user namespace is made with ids of its own", async () => {
    const out = await inside(
      "cat /proc/self/uid_map; stat -c %u /; touch /x && id -u",
      "--userns=auto",
    );
    const [map = "", ...rest] = out.split("\n");
    assert.equal(map.trim().split(/\s+/), ["0", `${room.firstSubordinate}`, "1024"]);
    assert.equal(rest, ["0", "0"]);
  });

  test("containers of a pod share its network", async () => {
    const pod = freshName();
    await podman.does("pod", "create", `--name=${pod}`, inCgroup);
    const server = await podman.does("run", "--detach", `--pod=${pod}`, imageName, "sleep", "1000");
    const net = "readlink /proc/self/ns/net; ls /sys/class/net";
    const first = await podman.does("run", "--rm", `--pod=${pod}`, imageName, "sh", "-c", net);
    const pid = Number(await podman.does("inspect", "--format={{.State.Pid}}", server));
    assert.equal(first.split("\n").slice(1), ["eth0", "lo"]);
    assert.match(readProc(pid, "cgroup"), room.prefix);
    await podman.does("pod", "pause", pod);
    await podman.does("pod", "unpause", pod);
    await podman.does("pod", "stop", "--time=0", pod);
    await podman.does("pod", "rm", pod);
    assert.not(isRunning(pid));
  });

  test("errors say what was not found, may not be executed, or cannot be mounted", async () => {
    const fails = async (flags: string[], ...args: string[]) => {
      const outcome = await podman.podman([...run, "--network=none", ...flags, imageName, ...args]);
      return { code: outcome.code, says: outcome.stderr };
    };
    const nothing = await fails([], "nope");
    assert.is(nothing.code, 127);
    assert.match(nothing.says, /exec: "nope": executable file not found in \$PATH/);
    const nowhere = await fails([], "/nope/x");
    assert.is(nowhere.code, 127);
    assert.match(nowhere.says, /exec: "\/nope\/x": stat \/nope\/x: no such file or directory/);
    const forbidden = await fails([], "/bin/not-executable");
    assert.is(forbidden.code, 126);
    assert.match(forbidden.says, /exec: "\/bin\/not-executable": permission denied/);
    const mount = await fails(["--mount=type=tmpfs,dst=/scratch,tmpfs-mode=9"], "true");
    assert.is(mount.code, 126);
    const onto = await fails(["--volume=/tmp:/bin/busybox"], "true");
    assert.ok(onto.code > 0);
    assert.match(onto.says, /\/bin\/busybox/);
    const folder = freshDirectory();
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "here"));
    const source = await fails([`--volume=${folder}/gone:/here`], "true");
    assert.is(source.code, 125);
    assert.match(source.says, `${folder}/gone`);
  });

  test("a program that takes too much memory is killed, and Podman knows", async () => {
    const name = freshName();
    const flags = [
      "--network=none",
      inCgroup,
      `--name=${name}`,
      "--memory=16m",
      "--memory-swap=16m",
    ];
    const { code } = await podman.podman(["run", ...flags, imageName, "tail", "/dev/zero"]);
    assert.is(code, 137);
    await podman.does("rm", name);
  });

  test("images are built, with RUN in a container", async () => {
    const folder = freshDirectory();
    writeFileSync(
      join(folder, "Containerfile"),
      `FROM ${imageName}\nRUN echo built > /file && id -u\nUSER tester\nRUN id -un\n`,
    );
    const tag = `localhost/${freshName().toLowerCase()}`;
    const text = await podman.does("build", "--network=none", `--tag=${tag}`, folder);
    assert.match(text, /\n0\n/);
    assert.match(text, /\ntester\n/);
    assert.is(await podman.does(...run, "--network=none", tag, "cat", "/file"), "built");
    await podman.does("rmi", tag);
  });
}
