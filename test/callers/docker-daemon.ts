// Docker with runt as its default runtime: containers together, and across the ends of daemons.

import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import {
  type Docker,
  type Engine,
  service,
  startDocker,
  testsWith,
} from "../support/callers/docker.ts";
import { startProgram } from "../support/program.ts";
import { freshDirectory, room } from "../support/room.ts";
import { runtime } from "../support/runt.ts";
import { runTests } from "../support/suite.ts";
import { startOn, withTerminal } from "../support/terminal.ts";

/** Tests containers together, and across the ends of daemons. */
export function testDaemonOf(engine: Engine): void {
  const dockerTest = testsWith(engine);
  let docker: Docker;

  dockerTest("the daemon starts", async () => {
    docker = await startDocker(engine, { flags: ["--live-restore"] });
  });

  dockerTest("restart policies start a container again", async () => {
    await docker.detaches("failing", ["--restart=on-failure:2"], "exit 3");
    await docker.detaches("eternal", ["--restart=always"], "echo ready; exec sleep 1000");
    const pid = await docker.value("eternal", "{{.State.Pid}}");
    process.kill(Number(pid), "SIGKILL");
    await docker.waitFor("eternal", "{{.RestartCount}} {{.State.Running}}", "1 true");
    assert.is.not(await docker.value("eternal", "{{.State.Pid}}"), pid);
    await docker.does("rm", "--force", "eternal");
    await docker.waitFor(
      "failing",
      "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}",
      "2 exited 3",
    );
    await docker.does("rm", "failing");
  });

  dockerTest(
    "containers talk on a network of their own, and through a published port",
    async () => {
      await docker.does("network", "create", "own");
      const serve =
        "mkdir /www; echo hello from $(hostname) > /www/index.html; exec httpd -f -p 80 -h /www";
      await docker.detaches(
        "server",
        ["--network=own", "--hostname=server", "--publish=127.0.0.1:8080:80"],
        serve,
      );
      const wget = "wget -q -O - http://server/";
      const { stdout } = await docker.runs(["--network=own"], `until ${wget}; do sleep 0.1; done`);
      assert.is(stdout, "hello from server\n");
      const published = ["busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"];
      const fetched = await startProgram([...docker.host.within, ...published]).ended;
      assert.is(fetched.stdout, "hello from server\n");
      const joined = ["--network=container:server", "--pid=container:server"];
      const neighbour = await docker.runs(
        joined,
        "wget -q -O - http://localhost/; cat /proc/1/comm",
      );
      assert.is(neighbour.stdout, "hello from server\nhttpd\n");
      await docker.does("rm", "--force", "server");
      await docker.does("network", "rm", "own");
    },
  );

  dockerTest("containers outlive a daemon that is killed", async () => {
    await docker.detaches("survivor", [], service);
    const pid = await docker.value("survivor", "{{.State.Pid}}");
    await docker.crash();
    assert.is(await docker.value("survivor", "{{.State.Running}} {{.State.Pid}}"), `true ${pid}`);
    assert.is(await docker.does("exec", "survivor", "cat", "/proc/1/comm"), "sh");
    await docker.does("stop", "survivor");
    assert.is(await docker.value("survivor", "{{.State.ExitCode}}"), "5");
    await docker.does("rm", "survivor");
  });

  dockerTest("runt runs containers inside a privileged container", async () => {
    const [, libexec] = /^dir=(.*)$/m.exec(readFileSync(runtime, "utf8")) ?? [];
    const limit = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max";
    const script = `
    mkdir -p /bundle/rootfs/bin && cp /bin/busybox /bundle/rootfs/bin && cd /bundle
    ${runtime} spec
    sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"busybox", "sleep", "1000"/' \\
      -e 's/"resources": {/&"memory": {"limit": 33554432},/' config.json
    ${runtime} run --detach inner < /dev/null > /dev/null
    ${runtime} exec inner busybox sh -c 'echo $$; busybox cat ${limit} 2> /dev/null'
    ${runtime} delete --force inner
    find /sys/fs/cgroup -name inner`;
    const mounts = ["/usr/lib:/usr/lib", "/usr/lib:/lib", "/lib64:/lib64"]
      .concat([`${libexec}:${libexec}`, `${runtime}:${runtime}`])
      .map((mount) => `--volume=${mount}:ro`);
    for (const namespace of ["host", "private"]) {
      const flags = ["--privileged", `--cgroupns=${namespace}`, ...mounts];
      const { code, stdout, stderr } = await docker.runs(flags, script);
      assert.match(stdout, /^\d+\n33554432\n$/, stderr);
      assert.is(code, 0);
    }
  });

  dockerTest(
    "added by flags and with --userns-remap, containers have ids of their own",
    async () => {
      await docker.end();
      chmodSync(room.directory, 0o711);
      const { firstSubordinate } = room;
      const file = (text: string): string => {
        const path = join(freshDirectory(), "file");
        writeFileSync(path, text);
        return path;
      };
      const ids = file(`remapped:${firstSubordinate}:65536\n`);
      docker = await startDocker(engine, {
        flags: [...engine.flags, "--userns-remap=remapped"],
        files: {
          "/etc/docker": freshDirectory(),
          "/etc/passwd": file(
            `root:x:0:0::/:/bin/sh\nremapped:x:${room.uid}:${room.uid}::/:/bin/sh\n`,
          ),
          "/etc/group": file(`root:x:0:\nremapped:x:${room.uid}:\n`),
          "/etc/subuid": ids,
          "/etc/subgid": ids,
        },
      });
      const volume = freshDirectory();
      chmodSync(volume, 0o777);
      const script =
        "cat /proc/self/uid_map; touch /volume/file /scratch/file; id -u; chown 5 /tmp";
      const flags = [`--volume=${volume}:/volume`, "--tmpfs=/scratch"];
      const { code, stdout, stderr } = await docker.runs(flags, script);
      assert.is(code, 0, stderr);
      assert.match(stdout, new RegExp(`^ +0 +${firstSubordinate} +65536\\n0\\n$`));
      assert.is(statSync(join(volume, "file")).uid, firstSubordinate);
      await docker.detaches("remapped", [], service);
      await withTerminal(async (terminal) => {
        const words = docker.words(
          "exec",
          "-it",
          "--user=tester",
          "remapped",
          "sh",
          "-c",
          "id; ls -l $(tty)",
        );
        const client = startOn(terminal, words);
        await terminal.shows(/uid=1000\(tester\)[\s\S]* tester .*\/dev\/pts\/0/);
        assert.is(await client.exited, 0);
      });
    },
  );

  runTests({ atEnd: async () => docker?.end() });
}
