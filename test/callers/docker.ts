// Docker with runt as its default runtime, as README.md sets it up: what its users do with one
// container.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import {
  type Docker,
  type Engine,
  service,
  startDocker,
  testsWith,
} from "../support/callers/docker.ts";
import { imageName } from "../support/callers/image.ts";
import type { Outcome } from "../support/program.ts";
import { freshDirectory } from "../support/room.ts";
import { runTests } from "../support/suite.ts";
import { startOn, untilSize, withTerminal } from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";

/** Tests what the users of an engine do with one container. */
export function testContainersOf(engine: Engine): void {
  const dockerTest = testsWith(engine);
  let docker: Docker;

  dockerTest("README's daemon.json makes runt the default runtime", async () => {
    docker = await startDocker(engine);
    assert.is(await docker.does("info", "--format={{.DefaultRuntime}}"), "runt");
  });

  dockerTest("limits, mounts, devices and rights are what docker run asked for", async () => {
    const volume = freshDirectory();
    writeFileSync(join(volume, "file"), "of the host\n");
    const device = join(volume, "device");
    Bun.spawnSync(["mknod", device, "c", "240", "7"]);
    const flags = [
      "--memory=64m",
      "--cpus=0.5",
      "--pids-limit=33",
      "--read-only",
      "--tmpfs=/scratch:size=1m",
      `--volume=${volume}:/volume:ro,rslave`,
      `--device=${device}:/dev/nobody:r`,
      "--cap-drop=ALL",
      "--cap-add=CHOWN",
      "--security-opt=no-new-privileges",
      "--init",
      "--network=none",
      "--hostname=dock",
      "--ulimit=nofile=100:200",
      "--workdir=/made",
      "--env=A=b",
      "--oom-score-adj=500",
      "--shm-size=8m",
      "--sysctl=net.ipv4.ip_default_ttl=77",
    ];
    const script = `
    cd /sys/fs/cgroup
    { cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max 2> /dev/null ||
      cat memory.max cpu.max pids.max; } | cut -d ' ' -f 1
    cd - > /dev/null
    echo cwd $(pwd) env $A host $(hostname) files $(ulimit -n) $(ulimit -Hn)
    touch /file || echo root is read-only
    touch /scratch/file && df /scratch | awk 'END { print "scratch", $2 }'
    cat /volume/file; touch /volume/new || echo volume is read-only
    grep ' /volume ' /proc/self/mountinfo | grep -o master
    true < /dev/nobody; true > /dev/nobody
    grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' /proc/self/status
    cat /proc/1/comm
    ls /sys/class/net
    cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_default_ttl
    df /dev/shm | awk 'END { print "shm", $2 }'`;
    const { code, stdout, stderr } = await docker.runs(flags, script);
    assert.match(stderr, /nobody: No such device or address\n.*nobody: Operation not permitted\n/);
    assert.equal(stdout.replaceAll("\t", " ").trimEnd().split("\n"), [
      "67108864",
      "50000",
      "33",
      "cwd /made env b host dock files 100 200",
      "root is read-only",
      "scratch 1024",
      "of the host",
      "volume is read-only",
      "master",
      "CapEff: 0000000000000001",
      "CapBnd: 0000000000000001",
      "NoNewPrivs: 1",
      "Seccomp: 2",
      "docker-init",
      "lo",
      "500",
      "77",
      "shm 8192",
    ]);
    assert.is(code, 0);
  });

  dockerTest("a detached container is shown, paused, changed and stopped", async () => {
    await docker.detaches("service", ["--memory=64m", "--memory-swap=64m"], service);
    await waitUntil("output", async () => (await docker.does("logs", "service")) === "ready");
    assert.is(await docker.value("service", "{{.HostConfig.Runtime}}"), "runt");
    assert.ok(await docker.isOurs("service"));

    assert.match(await docker.does("top", "service"), /sh -c trap/);
    const stats = await docker.does(
      "stats",
      "--no-stream",
      "--format={{.MemUsage}} {{.PIDs}}",
      "service",
    );
    assert.match(stats, /^\d.*iB \/ 64MiB [12]$/);
    await docker.does("pause", "service");
    await docker.waitFor("service", "{{.State.Status}}", "paused");
    await docker.does("unpause", "service");
    await docker.does("update", "--memory=80m", "--memory-swap=80m", "--pids-limit=44", "service");
    const file = "memory/memory.limit_in_bytes";
    const read = `cd /sys/fs/cgroup; cat ${file} pids/pids.max 2> /dev/null || cat memory.max pids.max`;
    const changed = await docker.does("exec", "service", "sh", "-c", read);
    assert.is(changed, "83886080\n44");

    await docker.does("stop", "service");
    assert.is(await docker.value("service", "{{.State.ExitCode}}"), "5");
    assert.is(await docker.does("logs", "service"), "ready\nbye");
    await docker.does("start", "service");
    await docker.does("kill", "service");
    assert.is(await docker.does("wait", "service"), "137");
    await docker.does("start", "service");
    await docker.does("rm", "--force", "service");
    assert.is(await docker.does("ps", "--all", "--quiet"), "");
  });

  dockerTest("docker exec runs in the container, with its limits and rights", async () => {
    await docker.detaches("box", ["--hostname=box", "--cap-drop=ALL", "--env=A=b"], service);
    const exec = (flags: readonly string[], ...command: string[]): Promise<Outcome> =>
      docker.tries(["exec", ...flags, "box", ...command]);
    const inside = await exec(
      [],
      "sh",
      "-c",
      `hostname; echo $A $HOME; pwd; cmp /proc/1/cgroup /proc/self/cgroup && echo same cgroups
    grep -E '^(CapBnd|Seccomp):' /proc/self/status; cat /proc/1/cmdline | head -c 2`,
    );
    const lines = [
      "box",
      "b /root",
      "/",
      "same cgroups",
      "CapBnd:\t0000000000000000",
      "Seccomp:\t2",
      "sh",
    ];
    assert.is(inside.stdout, lines.join("\n"), inside.stderr);
    const other = await exec(
      ["--user=tester", "--workdir=/tmp", "--env=A=c"],
      "sh",
      "-c",
      "id; pwd; echo $A",
    );
    assert.match(other.stdout, /^uid=1000\(tester\).*,2000\(extra\)\n\/tmp\nc\n$/);
    const streams = await exec([], "sh", "-c", "echo out; echo err >&2; exit 9");
    assert.equal(streams, { code: 9, stdout: "out\n", stderr: "err\n" });
    assert.is((await exec([], "sh", "-c", "kill -KILL $$")).code, 137);
    const typed = "typed\n".repeat(50_000);
    const echoed = await docker.tries(["exec", "--interactive", "box", "cat"], { stdin: typed });
    assert.is(echoed.stdout, typed);
    await exec(["--detach"], "touch", "/tmp/touched");
    await waitUntil(
      "a file",
      async () => (await exec([], "test", "-e", "/tmp/touched")).code === 0,
    );

    for (const [program, words] of [
      ["no-such-program", /exec: "no-such-program": executable file not found in \$PATH/],
      ["/bin/not-executable", /exec: "\/bin\/not-executable": permission denied/],
    ] as const) {
      const { code, stdout, stderr } = await exec([], program);
      assert.match(`${stdout}${stderr}`, words);
      // Newer clients tell them apart.
      assert.ok([126, 127].includes(code));
    }
    await docker.does("rm", "--force", "box");
  });

  dockerTest("streams and exit codes are those of the program", async () => {
    const { code, stdout, stderr } = await docker.runs([], "echo out; echo err >&2; exit 7");
    assert.equal({ code, stdout, stderr }, { code: 7, stdout: "out\n", stderr: "err\n" });
    const killed = await docker.runs(["--init"], "kill -KILL $$");
    assert.is(killed.code, 137);
    const typed = "typed\n".repeat(50_000);
    const words = ["run", "--rm", "--interactive", imageName, "cat"];
    const echoed = await docker.tries(words, { stdin: typed });
    assert.is(echoed.stdout, typed);
  });

  dockerTest("what takes too much memory is killed, and Docker knows why", async () => {
    await docker.detaches("hungry", ["--memory=16m", "--memory-swap=16m"], "tail /dev/zero; exit");
    assert.is(await docker.does("wait", "hungry"), "137");
    await docker.waitFor("hungry", "{{.State.OOMKilled}}", "true");
    await docker.does("rm", "hungry");
  });

  dockerTest("run -it, exec -it and attach give a terminal", async () => {
    await withTerminal(async (terminal) => {
      const words = docker.words(
        "run",
        "-it",
        "--name=shell",
        "--detach-keys=ctrl-a",
        imageName,
        "sh",
      );
      const client = startOn(terminal, words);
      await terminal.shows("# ");
      terminal.type(`tty; ${untilSize("33 99")}; echo $((40 + 2))\n`);
      await terminal.shows(/\/dev\/pts\/0\r\n42\r\n/);
      terminal.resize({ height: 44, width: 88 });
      process.kill(client.pid, "SIGWINCH");
      await waitUntil("the new size", () => {
        terminal.type("stty size\n");
        return terminal.shown().includes("44 88");
      });
      terminal.type("\u0001");
      assert.is(await client.exited, 0);
    });
    assert.is(await docker.value("shell", "{{.State.Running}}"), "true");
    await withTerminal(async (terminal) => {
      const client = startOn(terminal, docker.words("exec", "-it", "shell", "sh"));
      await terminal.shows("# ");
      terminal.type(`tty; ${untilSize("33 99")}; exit 8\n`);
      await terminal.shows(/\/dev\/pts\/1\r\n/);
      assert.is(await client.exited, 8);
    });
    await withTerminal(async (terminal) => {
      const client = startOn(terminal, docker.words("attach", "shell"));
      await waitUntil("the prompt", () => {
        terminal.type("\n");
        return terminal.shown().includes("# ");
      });
      terminal.type("exit 9\n");
      assert.is(await client.exited, 9);
    });
    await docker.does("rm", "shell");
  });

  dockerTest("Docker's seccomp profile is applied, or the user's", async () => {
    const usual = await docker.runs([], "unshare --user true; mkdir /new && echo made");
    assert.match(usual.stderr, /unshare.*Operation not permitted/);
    assert.is(usual.stdout, "made\n");
    const profile = join(freshDirectory(), "profile.json");
    const rules = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }];
    writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
    const own = await docker.runs([`--security-opt=seccomp=${profile}`], "mkdir /new");
    assert.match(own.stderr, /No space left on device/);
  });

  dockerTest("what cannot be started says why, with the exit code of shells", async () => {
    const nothing = await docker.tries(["run", "--rm", imageName, "no-such-program"]);
    assert.match(nothing.stderr, /exec: "no-such-program": executable file not found in \$PATH/);
    assert.is(nothing.code, 127);
    const forbidden = await docker.tries(["run", "--rm", imageName, "/bin/not-executable"]);
    assert.match(forbidden.stderr, /exec: "\/bin\/not-executable": permission denied/);
    assert.is(forbidden.code, 126);
    const folder = await docker.tries(["run", "--rm", imageName, "/etc"]);
    assert.match(folder.stderr, /exec: "\/etc": is a directory/);
    assert.is(folder.code, 126);
    const atStart = await docker.runs(["--ulimit=nofile=2000000000"], "true");
    assert.match(atStart.stderr, /RLIMIT_NOFILE.*operation not permitted.*fs\.nr_open/);
    const mount = await docker.runs(["--volume=/etc/hostname:/home"], "true");
    assert.match(mount.stderr, /\/etc\/hostname.*\/home.*not a directory/);
    assert.is(mount.code > 0, true);
  });

  dockerTest("docker build runs commands, and its image has a health check", async () => {
    const context = freshDirectory();
    writeFileSync(
      join(context, "Dockerfile"),
      `FROM ${imageName}
RUN chown tester /home/tester /tmp && echo built by $(id -un) > /built
USER tester
WORKDIR /home/tester
RUN touch mine || exit 3
HEALTHCHECK --interval=1s --retries=1 CMD is-healthy
ENTRYPOINT ["sh", "-c"]
`,
    );
    await docker.does("build", "--tag=built", context);
    await docker.does(
      "run",
      "--detach",
      "--name=healthy",
      "built",
      "touch /tmp/healthy; cat /built; exec sleep 1000",
    );
    await docker.waitFor("healthy", "{{.State.Health.Status}}", "healthy");
    assert.is(await docker.does("logs", "healthy"), "built by root");
    await docker.does("rm", "--force", "healthy");

    writeFileSync(join(context, "Dockerfile"), `FROM ${imageName}\nRUN exit 3\n`);
    const { code, stderr } = await docker.tries(["build", context]);
    assert.match(stderr, /returned a non-zero code: 3/);
    assert.is(code, 3);
  });

  runTests({ atEnd: async () => docker?.end() });
}
