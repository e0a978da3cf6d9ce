// What Podman and its users ask of a runtime, of root and of an ordinary user.

import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { imageName } from "../support/callers/image.ts";
import { type Podman, podmanMissing, podmanOf } from "../support/callers/podman.ts";
import { cgroups, removeEmptyCgroups } from "../support/leaks.ts";
import { isRunning } from "../support/process.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";
import { startOn, untilSize, withTerminal } from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";

const CONTROL_C = String.fromCharCode(3);
const CONTROL_Q = String.fromCharCode(17);

/** Podman takes its time, ours or not. */
const limitMs = 40_000;

/** Tests the Podman of a caller; `more` adds tests of its own. */
export function testPodman(caller: "root" | "user", more: (podman: Podman) => void): void {
  const missing = podmanMissing();
  if (missing !== undefined) {
    skip(`Podman of ${caller}`, missing);
    test.run();
    return;
  }
  const podman = podmanOf(caller);
  test.before(() => podman.begin());
  testLife(podman);
  testExec(podman);
  testTerminals(podman);
  testSurroundings(podman);
  testErrors(podman);
  more(podman);
  runTests({
    atEnd: async () => {
      await podman.end();
      await waitUntil(
        "the end of conmon, and of the cgroups that Podman leaves",
        () => {
          removeEmptyCgroups(room.prefix);
          return cgroups(room).length === 0;
        },
        limitMs,
      );
    },
  });
}

/** What the runtime's commands on a container were so far, each once. */
export function commandsOn(podman: Podman, id: string): string[] {
  const names = podman.runtimeCalls().flatMap((call) => {
    // Flags that are not global may have values too.
    const words = call.replace(/^(--log \S+|--\S+| )+/, "").split(" ");
    return call.includes(id) && words[0] !== undefined ? [words[0]] : [];
  });
  return [...new Set(names)].sort();
}

function testLife(podman: Podman): void {
  test("a container's life is commands of the runtime, which logs for Podman", async () => {
    const script =
      "mkfifo /fifo; echo out; echo err >&2; trap 'echo asked; exit 3' TERM; echo ready; while :; do read x < /fifo; done";
    const name = freshName();
    const id = await podman.does(
      ...[...podman.detached, "--runtime-flag=debug", `--name=${name}`, "--network=none"],
      ...["--health-cmd=is-healthy", imageName, "sh", "-c", script],
    );
    const written = () => podman.does("logs", name);
    await waitUntil("the program", async () => (await written()).includes("ready"), limitMs);
    const logs = await podman.podman(["logs", name]);
    assert.equal([logs.stdout, logs.stderr], ["out\nready\n", "err\n"]);
    const format = "--format={{.OCIRuntime}} {{.State.Status}}";
    assert.is(await podman.does("inspect", format, name), "runt running");
    assert.match(await podman.does("top", name, "pid", "args"), /\n1 +sh -c /);
    if (!foreignRuntime) await hasLogOfCreate(podman, id);

    assert.is((await podman.podman(["healthcheck", "run", name])).code, 1);
    await podman.does("exec", name, "touch", "/tmp/healthy");
    assert.is((await podman.podman(["healthcheck", "run", name])).code, 0);

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
    assert.equal(commandsOn(podman, id), ["create", "delete", "exec", "kill", "start"]);
  });

  test("containers of a pod share its network", async () => {
    const pod = freshName();
    const parent = podman.detached.filter((word) => word.startsWith("--cgroup-parent"));
    await podman.does("pod", "create", `--name=${pod}`, ...parent);
    const inPod = ["run", `--pod=${pod}`];
    const first = await podman.does(...inPod, "--detach", imageName, "sleep", "1000");
    const net = "readlink /proc/self/ns/net; ls /sys/class/net";
    const second = await podman.does(...inPod, "--rm", imageName, "sh", "-c", net);
    const [namespace, ...devices] = second.split("\n");
    assert.equal(devices, podman.caller === "root" ? ["eth0", "lo"] : ["lo", "tap0"]);
    assert.is(await podman.does("exec", first, "readlink", "/proc/self/ns/net"), namespace);
    const pid = Number(await podman.does("inspect", "--format={{.State.Pid}}", first));
    await podman.does("pod", "stop", "--time=0", pod);
    assert.not(isRunning(pid));
    await podman.does("pod", "rm", pod);
  });
}

/** Podman names a file to log to, and reads it when `create` fails. */
async function hasLogOfCreate(podman: Podman, id: string): Promise<void> {
  const create = podman.runtimeCalls().find((call) => /(^| )create .*/.test(call));
  const path = /--log (\S+)/.exec(create ?? "")?.[1] ?? "";
  assert.match(path, id, create);
  const lines = (await podman.read(path)).trimEnd().split("\n");
  const ops = lines.map((line) => JSON.parse(line).op);
  for (const op of ["clone", "root.pivot", "exec.resolve"]) assert.ok(ops.includes(op), op);
}

function testExec(podman: Podman): void {
  test("exec has the container's surroundings, and its own user, folder and exit code", async () => {
    const name = freshName();
    await podman.does(
      ...[...podman.detached, "--network=none", `--name=${name}`, "--env=A=container"],
      ...["--hostname=here", "--user=tester", imageName, "sleep", "1000"],
    );
    const script = "id -un; id -Gn; pwd; hostname; echo $A $B $HOME; cat; exit 9";
    const flags = ["--interactive", "--user=tester", "--workdir=/tmp", "--env=B=exec"];
    const asked = await podman.podman(["exec", ...flags, name, "sh", "-c", script], {
      stdin: "typed\n",
    });
    assert.equal(
      [asked.stdout, asked.stderr, asked.code],
      ["tester\ntester extra\n/tmp\nhere\ncontainer exec /home/tester\ntyped\n", "", 9],
    );
    const bounding = await podman.does("exec", "--privileged", name, "cat", "/proc/self/status");
    assert.match(bounding, /CapBnd:\t0+1ff/);
    await podman.does(
      "exec",
      "--detach",
      "--user=root",
      name,
      "sh",
      "-c",
      "echo detached > /tmp/word",
    );
    await waitUntil(
      "the detached program",
      async () => {
        const word = await podman.podman(["exec", name, "cat", "/tmp/word"]);
        return word.stdout === "detached\n";
      },
      limitMs,
    );
    const nothing = await podman.podman(["exec", name, "nope"]);
    assert.is(nothing.code, 127);
    assert.match(nothing.stderr, /exec: "nope": executable file not found in \$PATH/);
    const forbidden = await podman.podman(["exec", name, "/bin/not-executable"]);
    assert.is(forbidden.code, 126);
    assert.match(forbidden.stderr, /permission denied/);
    await podman.does("rm", "--force", "--time=0", name);
  });
}

function testTerminals(podman: Podman): void {
  test("run -it gives a terminal of the caller's size, which follows it, and exec -it too", async () => {
    const name = freshName();
    const flags = ["--interactive", "--tty", "--network=none", `--name=${name}`];
    await withTerminal(async (terminal) => {
      const run = [...podman.run, ...flags, imageName, "sh"];
      const client = startOn(terminal, [...podman.command(), ...run], { limitMs });
      terminal.type(`tty; ${untilSize("33 99")}; test -t 0 && echo $((20 + 22))\n`);
      await terminal.shows(/\n\/dev\/(pts\/0|console)\r\n42\r\n/, limitMs);
      terminal.resize({ height: 20, width: 70 });
      terminal.type(`${untilSize("20 70")}; echo fol''lowed\n`);
      await terminal.shows("followed", limitMs);

      await withTerminal(async (second) => {
        const command = ["exec", "--interactive", "--tty", name, "sh"];
        const other = startOn(second, [...podman.command(), ...command], { limitMs });
        second.type(`tty; ${untilSize("33 99")}; id -u\n`);
        await second.shows(/\n\/dev\/pts\/1\r\n0\r\n/, limitMs);
        second.type("sleep 1000\n");
        const shown = () => podman.does("top", name);
        await waitUntil("sleep", async () => (await shown()).includes("sleep 1000"), limitMs);
        second.type(CONTROL_C);
        second.type("echo inter''rupted $?; exit 5\n");
        await second.shows("interrupted 130", limitMs);
        assert.is(await other.exited, 5);
      });

      terminal.type("exit 7\n");
      assert.is(await client.exited, 7);
      assert.not.match(terminal.stty("-a"), "-icanon");
    });
  });

  test("a client that detaches leaves the container, and another attaches to it", async () => {
    const name = freshName();
    const flags = ["--interactive", "--tty", "--network=none", `--name=${name}`];
    const keys = "--detach-keys=ctrl-q";
    await withTerminal(async (terminal) => {
      const run = [...podman.run, ...flags, keys, imageName, "sh"];
      const client = startOn(terminal, [...podman.command(), ...run], { limitMs });
      terminal.type("echo fir''st\n");
      await terminal.shows("first", limitMs);
      terminal.type(CONTROL_Q);
      assert.is(await client.exited, 0);
    });
    await withTerminal(async (terminal) => {
      const client = startOn(terminal, [...podman.command(), "attach", name], { limitMs });
      terminal.type("\n");
      await terminal.shows("#", limitMs);
      terminal.type("echo sec''ond; exit 3\n");
      await terminal.shows("second", limitMs);
      await client.exited;
    });
  });
}

function testSurroundings(podman: Podman): void {
  test("rights, devices and the rest of a process are as asked", async () => {
    const out = await podman.inside(
      [
        "stat -c '%n %F %t:%T' /dev/fuse; grep -E 'CapEff|NoNewPrivs' /proc/self/status",
        "ulimit -n; ulimit -c; hostname; cat /proc/sys/kernel/msgmax /proc/self/oom_score_adj; umask",
        "ls /sys/class/net; ps -o args | sed -n 2p",
      ].join("; "),
      ...["--device=/dev/fuse", "--cap-drop=all", "--cap-add=CHOWN,SYS_ADMIN"],
      ...["--security-opt=no-new-privileges", "--ulimit=nofile=512:1024"],
      ...["--ulimit=nproc=1024:1024", "--ulimit=core=0", "--hostname=here"],
      ...["--sysctl=kernel.msgmax=4000", "--oom-score-adj=100", "--umask=0027", "--init"],
    );
    const lines = out.split("\n");
    assert.equal(lines.slice(0, -1), [
      ...["/dev/fuse character special file a:e5", "CapEff:\t0000000000200001", "NoNewPrivs:\t1"],
      ...["512", "0", "here", "4000", "100", "0027", "lo"],
    ]);
    assert.match(lines.at(-1) ?? "", /^\/run\/podman-init -- sh -c /);
  });

  test("mounts are as asked", async () => {
    const [shown, owned] = [podman.folder, podman.folder].map((folder) =>
      join(folder, freshName()),
    );
    for (const folder of [shown, owned]) {
      mkdirSync(folder ?? "");
      if (podman.caller === "user") chownSync(folder ?? "", room.uid, room.uid);
    }
    writeFileSync(join(shown ?? "", "file"), "shown\n");
    const out = await podman.inside(
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
    const filtered = await podman.inside(`${text}; true`, `--security-opt=seccomp=${file}`);
    assert.equal(filtered.split("\n"), [
      "Seccomp:\t2",
      "mkdir: can't create directory '/x': Function not implemented",
    ]);
    const privileged = await podman.inside(
      `${text} && test -e /dev/kmsg && echo all`,
      "--privileged",
    );
    assert.equal(privileged.split("\n"), ["Seccomp:\t0", "all"]);
  });

  test("a user namespace is made with ids of its own", async () => {
    const script = "cat /proc/self/uid_map; stat -c %u /; touch /x && id -u";
    const [map = "", ...rest] = (await podman.inside(script, "--userns=auto")).split("\n");
    const first = podman.caller === "root" ? room.firstSubordinate : 1;
    assert.equal(map.trim().split(/\s+/), ["0", `${first}`, "1024"]);
    assert.equal(rest, ["0", "0"]);
  });
}

function testErrors(podman: Podman): void {
  test("errors say what was not found, may not be executed, or cannot be mounted", async () => {
    const fails = async (flags: string[], program: string) => {
      const command = [...podman.run, "--network=none", ...flags, imageName, program];
      const { code, stderr } = await podman.podman(command);
      return { code, stderr };
    };
    const nothing = await fails([], "nope");
    assert.is(nothing.code, 127);
    assert.match(nothing.stderr, /exec: "nope": executable file not found in \$PATH/);
    const nowhere = await fails([], "/nope/x");
    assert.is(nowhere.code, 127);
    assert.match(nowhere.stderr, /exec: "\/nope\/x": stat \/nope\/x: no such file or directory/);
    const forbidden = await fails([], "/bin/not-executable");
    assert.is(forbidden.code, 126);
    assert.match(forbidden.stderr, /exec: "\/bin\/not-executable": permission denied/);
    const mount = await fails(["--mount=type=tmpfs,dst=/scratch,tmpfs-mode=9"], "true");
    assert.is(mount.code, 126);
    assert.match(mount.stderr, /\/scratch/);
    const onto = await fails(["--volume=/tmp:/bin/busybox"], "true");
    assert.ok(onto.code > 0);
    assert.match(onto.stderr, /\/bin\/busybox/);
    const folder = freshDirectory();
    chmodSync(folder, 0o755);
    const source = await fails([`--volume=${folder}/gone:/here`], "true");
    assert.is(source.code, 125);
    assert.match(source.stderr, `${folder}/gone`);
  });
}
