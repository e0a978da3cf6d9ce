// Cgroups of the v1 hierarchies: where they are, what is written there, and that they go.

import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Patch } from "../support/bundle.ts";
import { inside, run, withContainer, withScript } from "../support/container.ts";
import { freshName, room } from "../support/room.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

const mount = "/sys/fs/cgroup";
const sleeper: Patch = { process: { args: ["/bin/sleep", "100"] } };
const isV1 = existsSync(join(mount, "pids")) && existsSync(join(mount, "memory"));

/** A test that reads the files of v1 hierarchies. */
function testV1(name: string, body: () => Promise<void>): void {
  if (isV1) test(name, body);
  else skip(name, "no cgroup v1 hierarchies here");
}

function ownPath(controller: string): string {
  const lines = readFileSync("/proc/self/cgroup", "utf8").split("\n");
  const line = lines.find((one) => one.split(":")[1]?.split(",").includes(controller));
  return line?.split(":").slice(2).join(":") ?? "/";
}

/** What the files hold in a container's cgroup. */
async function written(resources: Patch, files: readonly string[]): Promise<string[]> {
  let values: string[] = [];
  const cgroupsPath = `/${room.prefix}/${freshName()}`;
  await withContainer({ ...sleeper, linux: { cgroupsPath, resources } }, async ({ does }) => {
    await does("start");
    values = files.map((file) => {
      const [controller = ""] = file.split(".");
      return readFileSync(join(mount, controller, cgroupsPath, file), "utf8").trimEnd();
    });
  });
  return values;
}

testV1("an absolute cgroupsPath is taken from the mount, in every hierarchy", async () => {
  const cgroupsPath = `/${room.prefix}/deep/${freshName()}`;
  await withContainer({ ...sleeper, linux: { cgroupsPath } }, async ({ state, does }) => {
    await does("start");
    const { pid } = await state();
    const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trimEnd().split("\n");
    for (const line of lines) {
      const [, controllers = "", ...path] = line.split(":");
      if (!existsSync(join(mount, controllers.replace("name=", "")))) continue;
      assert.is(path.join(":"), cgroupsPath, line);
    }
    assert.is(readFileSync(join(mount, "pids", cgroupsPath, "cgroup.procs"), "utf8"), `${pid}\n`);
  });
  assert.not(existsSync(join(mount, "pids", cgroupsPath)));
  shows("linux.cgroupsPath.absolute", "linux.cgroupsPath.same");
});

testV1(
  "without cgroupsPath, and with a relative one, it is below the caller's own cgroup",
  async () => {
    for (const cgroupsPath of [undefined, `${room.prefix}-relative/x`]) {
      const patch = { ...sleeper, linux: cgroupsPath === undefined ? {} : { cgroupsPath } };
      await withContainer(patch, async ({ id, state, does }) => {
        await does("start");
        const text = readFileSync(`/proc/${(await state()).pid}/cgroup`, "utf8");
        for (const controller of ["memory", "pids"]) {
          assert.match(text, `${controller}:${join(ownPath(controller), cgroupsPath ?? id)}\n`);
        }
      });
    }
  },
);

testV1("a cgroup that was there before stays after delete, without its processes", async () => {
  const name = `${room.prefix}-kept`;
  const kept = join(mount, "pids", name);
  mkdirSync(kept);
  try {
    await withContainer(
      { ...sleeper, linux: { cgroupsPath: `/${name}/own` } },
      async ({ does }) => {
        await does("start");
      },
    );
    assert.ok(existsSync(kept));
    assert.not(existsSync(join(kept, "own")));
  } finally {
    rmdirSync(kept);
  }
});

testV1("memory limits are written", async () => {
  const memory = { limit: 33554432, reservation: 16777216, swappiness: 10 };
  const files = ["limit_in_bytes", "soft_limit_in_bytes", "swappiness"];
  assert.equal(
    await written(
      { memory },
      files.map((file) => `memory.${file}`),
    ),
    ["33554432", "16777216", "10"],
  );
});

testV1("memory without a limit, and with -1, is unlimited", async () => {
  const file = "memory.limit_in_bytes";
  const [none] = await written({}, [file]);
  assert.equal(await written({ memory: { limit: -1 } }, [file]), [none ?? ""]);
});

testV1("disableOOMKiller is written", async () => {
  const memory = { limit: 33554432, disableOOMKiller: true };
  const [text] = await written({ memory }, ["memory.oom_control"]);
  assert.match(text ?? "", /oom_kill_disable 1/);
});

testV1("cpu shares, quota and period are written", async () => {
  const cpu = { shares: 512, quota: 50000, period: 100000 };
  const files = ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"];
  assert.equal(await written({ cpu }, files), ["512", "50000", "100000"]);
  assert.equal(await written({ cpu: { quota: -1 } }, ["cpu.cfs_quota_us"]), ["-1"]);
});

testV1("cpuset lists are written, and filled in from above where they are not given", async () => {
  const files = ["cpuset.cpus", "cpuset.mems"];
  const above = files.map((file) => readFileSync(join(mount, "cpuset", file), "utf8").trimEnd());
  assert.equal(await written({ cpu: { cpus: "0", mems: "0" } }, files), ["0", "0"]);
  assert.equal(await written({}, files), above);
});

testV1("the pids limit is written, and holds", async () => {
  assert.equal(await written({ pids: { limit: 17 } }, ["pids.max"]), ["17"]);
  assert.equal(await written({ pids: { limit: -1 } }, ["pids.max"]), ["max"]);
  const text = "for i in 1 2 3 4 5 6; do sleep 5 & done";
  const { stderr } = await run(withScript(text, { linux: { resources: { pids: { limit: 3 } } } }));
  assert.match(stderr, /Resource temporarily unavailable|can't fork/);
});

testV1("a pids limit of zero is a limit", async () => {
  if (foreignRuntime) return;
  assert.equal(await written({ pids: { limit: 0 } }, ["pids.max"]), ["0"]);
});

testV1("device rules are written in their order", async () => {
  const devices = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
    { allow: true, type: "b", major: 8, access: "r" },
  ];
  const [text = ""] = await written({ devices }, ["devices.list"]);
  const lines = text.split("\n");
  assert.ok(lines.includes("c 10:229 rw"), text);
  assert.ok(lines.includes("b 8:* r"), text);
  assert.not(lines.includes("a *:* rwm"));
});

testV1("a program that exceeds its memory is killed, and the exit code says so", async () => {
  const resources = { memory: { limit: 4194304, swap: 4194304 } };
  const text = "dd if=/dev/zero of=/dev/null bs=64M count=1";
  const { code, stderr } = await run({
    process: { args: ["/bin/sh", "-c", `exec ${text}`] },
    linux: { resources },
  });
  assert.is(code, 137, stderr);
});

testV1("a memory limit of one MiB still runs a small program", async () => {
  const resources = { memory: { limit: 1048576 } };
  const { code, stderr } = await run({ linux: { resources } });
  if (!foreignRuntime) assert.is(code, 0, stderr);
});

testV1(
  "a value that the kernel does not take is an error that names the file, and nothing stays",
  async () => {
    const name = `${room.prefix}-refused`;
    const resources = { cpu: { cpus: "4000" } };
    const { code, stderr } = await run({ linux: { cgroupsPath: `/${name}`, resources } });
    assert.is(code, 1);
    assert.match(stderr, /cpuset\.cpus/);
    assert.not(existsSync(join(mount, "cpuset", name)));
  },
);

testV1("a cgroup that has a process in it is refused at create", async () => {
  const cgroupsPath = `/${room.prefix}-taken`;
  await withContainer({ ...sleeper, linux: { cgroupsPath } }, async ({ state, does }) => {
    await does("start");
    const { code, stderr } = await run({ linux: { cgroupsPath } });
    assert.is(code, 1);
    assert.match(stderr, /empty|process|use/i);
    assert.is((await state()).status, "running");
  });
});

testV1("dots in cgroupsPath do not lead out of the hierarchy", async () => {
  const cgroupsPath = `/../../${room.prefix}-dots`;
  await withContainer({ ...sleeper, linux: { cgroupsPath } }, async ({ state, does }) => {
    await does("start");
    const text = readFileSync(`/proc/${(await state()).pid}/cgroup`, "utf8");
    assert.match(text, `pids:/${room.prefix}-dots\n`);
  });
});

testV1("processes that fled into a cgroup below are killed and removed by delete", async () => {
  const cgroupsPath = `/${room.prefix}-below`;
  await withContainer({ ...sleeper, linux: { cgroupsPath } }, async ({ state, does }) => {
    await does("start");
    const { pid } = await state();
    for (const controller of ["pids", "memory", "freezer"]) {
      const below = join(mount, controller, cgroupsPath, "below");
      mkdirSync(below);
      await Bun.write(join(below, "cgroup.procs"), `${pid}`);
    }
    await does("delete", "--force");
    assert.not(existsSync(join(mount, "pids", cgroupsPath)));
  });
});

testV1("the program is in its cgroup from its first instruction", async () => {
  const text = await inside("cat /proc/self/cgroup");
  for (const controller of ["memory", "pids", "devices", "freezer"]) {
    assert.match(text, new RegExp(`:${controller}:.*${room.prefix}`));
  }
});

runTests();
