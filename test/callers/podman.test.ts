// Podman of root, who has cgroups.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { imageName } from "../support/callers/image.ts";
import { cgroupParent } from "../support/callers/podman.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { test } from "../support/suite.ts";
import { commandsOn, testPodman } from "./podman.ts";

testPodman("root", (podman) => {
  test("limits are set, shown and changed, and a container is paused", async () => {
    const name = freshName();
    const id = await podman.does(
      ...[...podman.detached, "--network=none", `--name=${name}`, "--memory=64m", "--cpus=0.5"],
      ...["--pids-limit=50", imageName, "sleep", "1000"],
    );
    const limits = ["memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us", "pids/pids.max"];
    const values = () =>
      limits.map((limit) => {
        const path = `/sys/fs/cgroup/${limit.replace("/", `${cgroupParent}/libpod-${id}/`)}`;
        return readFileSync(path, "utf8").trim();
      });
    assert.equal(values(), ["67108864", "50000", "50"]);
    const stats = JSON.parse(await podman.does("stats", "--no-stream", "--format=json", name));
    assert.match(stats[0].mem_usage, /\/ 67\.11MB$/);
    assert.is(stats[0].pids, "1");
    await podman.does("update", "--memory=32m", "--cpus=0.25", name);
    assert.equal(values(), ["33554432", "25000", "50"]);
    await podman.does("pause", name);
    assert.is(await podman.does("inspect", "--format={{.State.Status}}", name), "paused");
    await podman.does("unpause", name);
    await podman.does("rm", "--force", "--time=0", name);
    const commands = ["create", "delete", "kill", "pause", "resume", "start", "update"];
    assert.equal(commandsOn(podman, id), commands);
  });

  test("a program that takes too much memory is killed", async () => {
    const flags = ["--network=none", "--memory=16m", "--memory-swap=16m"];
    const command = [...podman.run, ...flags, imageName, "tail", "/dev/zero"];
    assert.is((await podman.podman(command)).code, 137);
  });

  test("images are built, with RUN in a container", async () => {
    const folder = freshDirectory();
    const lines = [`FROM ${imageName}`, "RUN echo built > /file && id -u", "USER tester", "RUN id"];
    writeFileSync(join(folder, "Containerfile"), lines.join("\n"));
    const tag = `localhost/${freshName().toLowerCase()}`;
    const shown = await podman.does("build", "--network=none", `--tag=${tag}`, folder);
    assert.match(shown, /\n0\n/);
    assert.match(shown, /\nuid=1000\(tester\)/);
    assert.ok(podman.runtimeCalls().some((call) => /create .* buildah-/.test(call)));
    assert.is(await podman.does(...podman.run, "--network=none", tag, "cat", "/file"), "built");
    await podman.does("rmi", tag);
  });
});
