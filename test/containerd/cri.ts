// Pods through their lives, as Kubernetes has containerd take them by our shim.

import { readdirSync } from "node:fs";
import * as assert from "uvu/assert";
import { endOutlivedHierarchies } from "../conformance/hierarchies.ts";
import {
  type Containerd,
  containerdMissing,
  isFirst,
  SHIM,
  startContainerd,
} from "../support/callers/containerd.ts";
import { CRI, MODE } from "../support/callers/cri.ts";
import { callMethod } from "../support/callers/grpc.ts";
import { parentOf, withPod } from "../support/callers/pod.ts";
import { isRunning, readProc } from "../support/process.ts";
import { room } from "../support/room.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

/** Goes on until it is told to end, and ends with 5 then. */
const service = "trap 'exit 5' TERM; echo ready; while true; do sleep 0.1; done";
const sleeper = "echo ready; exec sleep 1000";
const mebibyte = 1_048_576;

/** Tests the containerd of a folder. */
export function testPods(folder: string): void {
  const missing = containerdMissing(folder);
  if (missing !== undefined) {
    skip(`containerd of ${folder}`, missing);
    test.run();
    return;
  }
  let containerd: Containerd;
  test.before(async () => {
    endOutlivedHierarchies();
    containerd = await startContainerd({ folder, shim: SHIM.runt });
  });

  test("one process serves a pod and its containers, and ends with the pod", async () => {
    let shim = 0;
    await withPod(containerd, {}, async (pod) => {
      const one = await pod.runs("one", `echo oops >&2; ${service}`);
      const two = await pod.runs("two", sleeper);
      shim = parentOf(await pod.pid(pod.id));
      for (const id of [one, two]) assert.is(parentOf(await pod.pid(id)), shim);
      await waitUntil("logs", () => pod.log("one").includes("ready") && pod.log("two") !== "");
      const lines = pod.log("one").trim().split("\n").sort();
      assert.equal(lines, ["stderr F oops", "stdout F ready"]);

      await pod.stop(one, 20);
      assert.equal(await pod.end(one), { exitCode: 5, reason: "Error" });
      await callMethod(containerd.socket, CRI.removeContainer, { containerId: one });
      const again = await pod.runs("one", "exit 0");
      assert.equal(await pod.end(again), { exitCode: 0, reason: "Completed" });
      await pod.stop(two, 0);
      assert.is((await pod.end(two)).exitCode, 137);
      assert.ok(isRunning(shim));
    });
    await waitUntil("end of the shim", () => !isRunning(shim));
  });

  test("probes leave nothing in the shim, whatever their outcome", async () => {
    await withPod(containerd, {}, async (pod) => {
      const id = await pod.runs("probed", sleeper);
      const shim = parentOf(await pod.pid(id));
      const probe = async (code: number): Promise<void> => {
        const ended = await pod.exec(id, `echo out; echo err >&2; exit ${code}`);
        assert.equal(ended, { code, stdout: "out\n", stderr: "err\n" });
      };
      await probe(0);
      const before = readdirSync(`/proc/${shim}/fd`).length;
      for (let round = 1; round <= 20; round++) await probe(round);
      await Promise.all([1, 2, 3, 4].map(probe));
      const slow = await pod.exec(id, "echo $$; exec sleep 1000", 1).catch(String);
      assert.match(String(slow), /timeout|deadline/i);
      assert.match((await pod.exec(id, "ps")).stdout, /sleep 1000/);
      await waitUntil(
        "end of the late probe",
        async () => (await pod.exec(id, "ps | grep -c '[s]leep 1000'")).stdout === "1\n",
      );
      await waitUntil("as many descriptors", () => {
        return readdirSync(`/proc/${shim}/fd`).length <= before;
      });
    });
  });

  test("exec and attach have streams, and a terminal with its size", async () => {
    await withPod(containerd, {}, async (pod) => {
      const id = await pod.runs("shell", "sh", { stdin: true, tty: true });
      const plain = await pod.streams(id, "read line; echo got $line; echo err >&2; exit 7", false);
      plain.write("word\n");
      assert.is(await plain.ended, 7);
      assert.equal([plain.stdout(), plain.stderr()], ["got word\n", "err\n"]);

      const terminal = await pod.streams(id, "tty; sh", true);
      await waitUntil("a terminal", () => /\/dev\/pts\/\d/.test(terminal.stdout()));
      terminal.resize({ width: 91, height: 37 });
      await waitUntil("its size", () => {
        terminal.write("stty size\n");
        return terminal.stdout().includes("37 91");
      });
      terminal.write("exit 8\n");
      assert.is(await terminal.ended, 8);

      const gone = await pod.attach(id, true);
      gone.write("echo $((40 + 1))\n");
      await waitUntil("an answer", () => gone.stdout().includes("41\r\n"));
      gone.leave();
      const attached = await pod.attach(id, true);
      attached.write("echo $((40 + 2)); exit 9\n");
      await waitUntil("an answer", () => attached.stdout().includes("42\r\n"));
      assert.is((await pod.end(id)).exitCode, 9);
      await attached.ended;
      assert.match(pod.log("shell"), /42/);
    });
  });

  test("limits are set and changed, and use is told", async () => {
    await withPod(containerd, {}, async (pod) => {
      const { socket } = containerd;
      const memoryLimitInBytes = BigInt(64 * mebibyte);
      const resources = { memoryLimitInBytes, cpuPeriod: 100_000n, cpuQuota: 50_000n };
      const id = await pod.runs("limited", sleeper, { resources });
      const limits = async (): Promise<string[]> => {
        const unified = "memory.max cpu.max";
        const separate =
          "memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu,cpuacct/cpu.cfs_quota_us";
        const files = `cd /sys/fs/cgroup; cat ${unified} ${separate} 2> /dev/null`;
        const { stdout } = await pod.exec(id, files);
        return stdout.trim().split(/\s+/).slice(0, 2);
      };
      assert.equal(await limits(), [`${64 * mebibyte}`, "50000"]);
      const linux = { memoryLimitInBytes: BigInt(72 * mebibyte), cpuQuota: 60_000n };
      await callMethod(socket, CRI.updateContainerResources, { containerId: id, linux });
      assert.equal(await limits(), [`${72 * mebibyte}`, "60000"]);

      const filter = { podSandboxId: pod.id };
      const { stats } = await callMethod(socket, CRI.listContainerStats, { filter });
      assert.equal(
        stats.map(({ attributes }) => attributes?.id),
        [id],
      );
      assert.ok((stats[0]?.cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n);
      assert.ok((stats[0]?.memory?.workingSetBytes?.value ?? 0n) > 0n);
      const sandbox = await callMethod(socket, CRI.podSandboxStats, { podSandboxId: pod.id });
      assert.is(sandbox.stats?.linux?.containers.length, 1);
      // Without the one that keeps its namespaces.
      assert.is(sandbox.stats?.linux?.process?.processCount?.value, 1n);
    });
  });

  test("what takes too much memory is killed, and Kubernetes knows why", async () => {
    await withPod(containerd, {}, async (pod) => {
      const resources = { memoryLimitInBytes: BigInt(16 * mebibyte) };
      const id = await pod.runs("hungry", "exec tail /dev/zero", { resources });
      assert.equal(await pod.end(id), { exitCode: 137, reason: "OOMKilled" });
    });
  });

  test("in a pod with one pid namespace, containers see each other and end alone", async () => {
    await withPod(containerd, { pid: MODE.pod }, async (pod) => {
      const one = await pod.runs("one", `sleep 2001 & ${service}`);
      const two = await pod.runs("two", "exec sleep 2002");
      const others = async (): Promise<string[]> => {
        const { stdout } = await pod.exec(two, "ps -o args | grep '^sleep [0-9]*$'");
        return stdout.trim().split("\n").sort();
      };
      const all = ["sleep 1000000", "sleep 2001", "sleep 2002"];
      await waitUntil("all", async () => all.every(async (one) => (await others()).includes(one)));
      const left = parentOf(await pod.pid(one));
      assert.is(left, parentOf(await pod.pid(two)));
      await pod.stop(one, 20);
      // Nothing but our shim ends what init has left there.
      assert.is((await pod.end(one)).exitCode, 5);
      assert.equal(await others(), ["sleep 1000000", "sleep 2002"]);
    });
  });

  test("a program that is not there is told of, and the pod goes on", async () => {
    await withPod(containerd, {}, async (pod) => {
      const failed = await pod.runs("missing", "", { command: ["no-such-program"] }).catch(String);
      assert.match(failed, /exec: "no-such-program": executable file not found in \$PATH/);
      const id = await pod.runs("there", sleeper);
      const missing = await callMethod(containerd.socket, CRI.execSync, {
        containerId: id,
        cmd: ["no-such-program"],
        timeout: 20n,
      }).catch(String);
      assert.match(`${missing}`, /exec: "no-such-program": executable file not found in \$PATH/);
      assert.is((await pod.exec(id, "true")).code, 0);
    });
  });

  test("pods outlive containerd, and ends meanwhile are not lost", async () => {
    await withPod(containerd, {}, async (pod) => {
      const stays = await pod.runs("stays", `echo before; ${service}`);
      const ends = await pod.runs("ends", "trap 'exit 6' USR1; echo ready; sleep 1000 & wait");
      await waitUntil("readiness", () => pod.log("ends").includes("ready"));
      const pid = await pod.pid(ends);
      await containerd.daemon.stop("SIGKILL");
      process.kill(pid, "SIGUSR1");
      await waitUntil("an end", () => !isRunning(pid));
      await containerd.restart();
      await waitUntil("containerd's word for Kubernetes", () =>
        callMethod(containerd.socket, CRI.status, {}).then(
          () => true,
          () => false,
        ),
      );
      assert.is((await pod.end(ends)).exitCode, 6);
      assert.is((await pod.exec(stays, "cat /proc/1/comm")).stdout, "sh\n");
      await pod.stop(stays, 20);
      assert.is((await pod.end(stays)).exitCode, 5);
    });
  });

  if (isFirst(folder)) {
    runTests({ atEnd: () => containerd.stop() });
    return;
  }

  test("a pod has ids of its own in a user namespace", async () => {
    // containerd adds the owner of the streams to the options, and knows only those of runc.
    const runtimeHandler = "runt-as-runc";
    const { runtimeHandlers } = await callMethod(containerd.socket, CRI.status, {});
    const features = runtimeHandlers.find(({ name }) => name === runtimeHandler)?.features;
    assert.equal(features, { recursiveReadOnlyMounts: true, userNamespaces: true });
    const mapping = [{ hostId: room.firstSubordinate, containerId: 0, length: 65_536 }];
    const usernsOptions = { mode: MODE.pod, uids: mapping, gids: mapping };
    await withPod(containerd, { runtimeHandler, usernsOptions }, async (pod) => {
      const id = await pod.runs("mapped", `touch /file; chown 5 /file; ${sleeper}`);
      const { stdout } = await pod.exec(id, "cat /proc/self/uid_map; id -u; stat -c %u /file /bin");
      assert.match(stdout, new RegExp(`^ +0 +${room.firstSubordinate} +65536\\n0\\n5\\n0\\n$`));
      const pid = await pod.pid(id);
      assert.match(
        readProc(pid, "status"),
        new RegExp(`^Uid:\\s+${room.firstSubordinate}\\s`, "m"),
      );
    });
  });

  runTests({ atEnd: () => containerd.stop() });
}
