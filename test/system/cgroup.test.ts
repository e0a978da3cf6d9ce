// linux.cgroupsPath and linux.resources: where the container's cgroup is, what limits it has, who
// is in it, and that it goes. On hosts with cgroup v1.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import * as assert from "uvu/assert";
import { bundle, defaultMounts, defaultNamespaces, type Json } from "../support/bundle.ts";
import { inside, run, withContainer, withScript } from "../support/container.ts";
import { freshName } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

const MOUNT = "/sys/fs/cgroup";
const isV1 = existsSync(`${MOUNT}/pids/cgroup.procs`) && existsSync(`${MOUNT}/cpuset/cgroup.procs`);

function testV1(name: string, act: () => Promise<void>): void {
  if (isV1) test(name, act);
  else skip(name, "the hierarchies of cgroup v1 are not mounted");
}

/** Things that this runtime does and others leave. */
function testOwn(name: string, act: () => Promise<void>): void {
  if (foreignRuntime) skip(name, "another runtime is under test");
  else testV1(name, act);
}

/** A file of a cgroup, as it stands there. */
function read(controller: string, path: string, file: string): string {
  return readFileSync(`${MOUNT}/${controller}${path}/${file}`, "utf8").trim();
}

/** Directories of this name in any hierarchy. */
function left(path: string): string[] {
  return readdirSync(MOUNT)
    .map((name) => `${MOUNT}/${name}${path}`)
    .filter((directory) => existsSync(directory));
}

testV1("each limit is in the file of its controller", async () => {
  const path = `/${freshName()}`;
  const resources = {
    memory: { limit: 64 << 20, reservation: 32 << 20, swap: 128 << 20, swappiness: 10 },
    cpu: { shares: 512, quota: 50_000, period: 200_000, cpus: "0", mems: "0" },
    pids: { limit: 20 },
  };
  await withContainer({ linux: { cgroupsPath: path, resources } }, async () => {
    assert.is(read("memory", path, "memory.limit_in_bytes"), `${64 << 20}`);
    assert.is(read("memory", path, "memory.soft_limit_in_bytes"), `${32 << 20}`);
    assert.is(read("memory", path, "memory.memsw.limit_in_bytes"), `${128 << 20}`);
    assert.is(read("memory", path, "memory.swappiness"), "10");
    assert.is(read("cpu", path, "cpu.shares"), "512");
    assert.is(read("cpu", path, "cpu.cfs_quota_us"), "50000");
    assert.is(read("cpu", path, "cpu.cfs_period_us"), "200000");
    assert.is(read("cpuset", path, "cpuset.cpus"), "0");
    assert.is(read("cpuset", path, "cpuset.mems"), "0");
    assert.is(read("pids", path, "pids.max"), "20");
  });
});

testV1("devices are allowed in the listed order, then those of every container", async () => {
  const path = `/${freshName()}`;
  const devices: Json[] = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
  ];
  await withContainer({ linux: { cgroupsPath: path, resources: { devices } } }, async () => {
    const list = read("devices", path, "devices.list").split("\n");
    assert.ok(list.includes("c 10:229 rw"), list.join());
    assert.ok(list.includes("c 1:3 rwm"), list.join());
    assert.ok(list.includes("c *:* m"), list.join());
    assert.not.ok(list.includes("a *:* rwm"), list.join());
    if (!foreignRuntime) assert.is(list[0], "c 10:229 rw");
  });
});

testV1("a device that is not allowed cannot be opened, one that is can", async () => {
  const devices = [{ path: "/dev/log", type: "c", major: 1, minor: 11 }];
  const deny = { allow: false, access: "rwm" };
  const allow = { allow: true, type: "c", major: 1, minor: 11, access: "w" };
  const text = "if true 2>/dev/null >/dev/log; then echo open; else echo closed; fi";
  for (const [rules, answer] of [
    [[deny], "closed\n"],
    [[deny, allow], "open\n"],
  ] as const) {
    const patch = { linux: { devices, resources: { devices: [...rules] } } };
    assert.is(await inside(text, patch), answer);
  }
});

testV1("init is in the container's cgroup in every hierarchy", async () => {
  const path = `/${freshName()}`;
  await withContainer({ linux: { cgroupsPath: path } }, async (container) => {
    const { pid } = await container.state();
    const theirs = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    for (const controller of ["memory", "pids", "cpuset", "devices", "freezer"]) {
      assert.match(theirs, `:${controller}:${path}\n`);
    }
    if (existsSync(`${MOUNT}/unified`)) assert.match(theirs, `0::${path}\n`);
  });
});

testV1("a relative path and no path lead below the caller's own cgroup", async () => {
  const own = readFileSync("/proc/self/cgroup", "utf8");
  const mine = /^\d+:memory:(.*)$/m.exec(own)?.[1]?.replace(/\/$/, "") ?? "";
  const name = freshName();
  for (const cgroupsPath of [`${name}/below`, undefined]) {
    await withContainer({ linux: { cgroupsPath } }, async (container) => {
      const { pid } = await container.state();
      const theirs = readFileSync(`/proc/${pid}/cgroup`, "utf8");
      assert.match(theirs, `:memory:${mine}/${cgroupsPath ?? container.id}\n`);
    });
  }
  for (const directory of left(`/${name}`)) rmdirSync(directory);
  if (existsSync(`${MOUNT}/memory${mine}/${name}`)) rmdirSync(`${MOUNT}/memory${mine}/${name}`);
});

testOwn("delete removes the cgroup and the levels above that were made for it", async () => {
  const name = freshName();
  await withContainer({ linux: { cgroupsPath: `/${name}/a/b` } }, async (container) => {
    assert.is.not(left(`/${name}/a/b`).length, 0);
    await container.does("start");
    await container.becomes("stopped");
    await container.does("delete");
    assert.equal(left(`/${name}`), []);
  });
});

testV1("delete leaves the levels above that were there before", async () => {
  const name = freshName();
  const before = `${MOUNT}/pids/${name}`;
  mkdirSync(before);
  try {
    await withContainer({ linux: { cgroupsPath: `/${name}/a` } }, async () => {
      assert.ok(existsSync(`${before}/a`));
    });
    assert.ok(existsSync(before));
    assert.not.ok(existsSync(`${before}/a`));
  } finally {
    for (const directory of left(`/${name}`)) rmdirSync(directory);
  }
});

testV1("a container that cannot be created leaves no cgroup", async () => {
  const path = `/${freshName()}`;
  const mounts = [{ destination: "/x", type: "bind", source: "/nonexistent", options: ["bind"] }];
  const patch = { mounts: [...defaultMounts, ...mounts], linux: { cgroupsPath: path } };
  assert.is.not((await runt(["create", "--bundle", bundle(patch), freshName()])).code, 0);
  assert.equal(left(path), []);
});

testOwn("a cgroup with processes in it is refused, and keeps them", async () => {
  const patch = withScript("sleep 100", { linux: { cgroupsPath: `/${freshName()}` } });
  await withContainer(patch, async (container) => {
    const { code, stderr } = await run(patch);
    assert.is.not(code, 0);
    assert.match(stderr, "container's cgroup is not empty: 1 process(es) found");
    assert.is((await container.state()).status, "created");
  });
});

testV1("cgroups that the container made in its own go with it", async () => {
  const path = `/${freshName()}`;
  const mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
  const patch = { mounts: [...defaultMounts, mount], linux: { cgroupsPath: path } };
  const text =
    "cd /sys/fs/cgroup/pids; mkdir -p a/b; echo 1 > a/b/cgroup.procs; cat a/b/cgroup.procs";
  assert.match(await inside(text, patch), "1\n");
  assert.equal(left(path), []);
});

for (const [name, namespaces] of [
  ["with a cgroup namespace", [...defaultNamespaces, { type: "cgroup" }]],
  ["without a cgroup namespace", defaultNamespaces],
] as const) {
  testV1(`${name} a mount of type cgroup shows the container's own cgroups`, async () => {
    const mount = {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    };
    const patch = {
      mounts: [...defaultMounts, mount],
      linux: { namespaces: [...namespaces], resources: { pids: { limit: 77 } } },
    };
    const text = `cd /sys/fs/cgroup
      cat pids/pids.max; head -n 1 memory/cgroup.procs; mkdir x pids/x 2>/dev/null || echo closed`;
    assert.is(await inside(text, patch), "77\n1\nclosed\n");
  });
}

testV1("in a cgroup namespace the container's cgroup is the root", async () => {
  const namespaces = [...defaultNamespaces, { type: "cgroup" }];
  const text = await inside("cat /proc/self/cgroup", { linux: { namespaces } });
  assert.equal(
    text
      .trim()
      .split("\n")
      .filter((line) => !line.endsWith(":/")),
    [],
  );
});

testV1("a limit on processes holds", async () => {
  const patch = { linux: { resources: { pids: { limit: 1 } } } };
  const { code, stderr } = await run(withScript("true; (true); echo not here", patch));
  assert.is.not(code, 0, stderr);
  assert.match(stderr, "fork");
});

testOwn("a memory limit of 1 MiB lets a small program run", async () => {
  const resources = { memory: { limit: 1 << 20 } };
  const { code, stderr } = await run({ linux: { resources } });
  assert.is(code, 0, stderr);
});

testOwn("limits that the host or each other rule out are refused with their place", async () => {
  for (const [resources, pointer] of [
    [{ blockIO: { weight: 5 } }, "/linux/resources/blockIO/weight"],
    [{ unified: { "memory.high": "1" } }, "/linux/resources/unified"],
    [{ memory: { swap: 1 << 20 } }, "/linux/resources/memory/swap"],
  ] as const) {
    const { code, stderr } = await run({ linux: { resources } });
    assert.is.not(code, 0);
    assert.match(stderr, pointer);
  }
});

testOwn("a limit that the kernel refuses is named with its file and value", async () => {
  const { code, stderr } = await run({ linux: { resources: { cpu: { cpus: "4000" } } } });
  assert.is.not(code, 0);
  assert.match(stderr, "cpuset.cpus");
  assert.match(stderr, "4000");
  assert.match(stderr, "/linux/resources/cpu/cpus");
});

runTests();
