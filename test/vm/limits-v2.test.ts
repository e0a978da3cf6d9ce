// linux.cgroupsPath and linux.resources on a machine with cgroup v2 alone: where the cgroup is, that
// each limit is there and holds, and that nothing stays.

import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, defaultMounts, defaultNamespaces, type Patch } from "../support/bundle.ts";
import { inside, run, withContainer, withScript } from "../support/container.ts";
import { refusesBundle } from "../support/refusal.ts";
import { freshName, room } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const MOUNT = "/sys/fs/cgroup";
const MIB = 1 << 20;
const sleeper = { process: { args: ["/bin/sleep", "100"] } };
const ownView = {
  mounts: [...defaultMounts, { destination: MOUNT, type: "cgroup", source: "cgroup" }],
};

function read(cgroup: string, file: string): string {
  return readFileSync(join(MOUNT, cgroup, file), "utf8").trimEnd();
}

/** Major and minor number of the machine's disk. */
function vda(): number[] {
  return readFileSync("/sys/block/vda/dev", "utf8").split(":").map(Number);
}

test("each limit is in its file, and the levels above pass its controller on", async () => {
  const cgroupsPath = `/${room.prefix}/deep/${freshName()}`;
  const [major = 0, minor = 0] = vda();
  const resources = {
    memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 128 * MIB },
    cpu: { shares: 1024, quota: 50_000, period: 200_000, burst: 10_000, cpus: "0", mems: "0" },
    pids: { limit: 20 },
    blockIO: { throttleReadBpsDevice: [{ major, minor, rate: 4 * MIB }] },
    hugepageLimits: [{ pageSize: "2MB", limit: 4 * MIB }],
    unified: { "memory.high": `${48 * MIB}`, "cgroup.max.depth": "3" },
  };
  await withContainer({ ...sleeper, linux: { cgroupsPath, resources } }, async ({ state }) => {
    const expected = {
      "memory.max": `${64 * MIB}`,
      "memory.low": `${32 * MIB}`,
      "memory.swap.max": `${64 * MIB}`,
      "memory.high": `${48 * MIB}`,
      "cpu.weight": "100",
      "cpu.max": "50000 200000",
      "cpu.max.burst": "10000",
      "cpuset.cpus": "0",
      "cpuset.mems": "0",
      "pids.max": "20",
      "io.max": `${major}:${minor} rbps=${4 * MIB} wbps=max riops=max wiops=max`,
      "hugetlb.2MB.max": `${4 * MIB}`,
      "cgroup.max.depth": "3",
      "cgroup.procs": `${(await state()).pid}`,
    };
    const files = Object.keys(expected);
    const found = Object.fromEntries(files.map((file) => [file, read(cgroupsPath, file)]));
    assert.equal(found, expected);
  });
  assert.not(existsSync(join(MOUNT, cgroupsPath)));
});

test("a memory limit is the end of a program that exceeds it", async () => {
  const resources = { memory: { limit: 8 * MIB, swap: 8 * MIB } };
  const text = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done";
  const { code, stderr } = await run(withScript(text, { linux: { resources } }));
  assert.is(code, 137, stderr);
});

test("a limit of 1 MiB lets a small program run", async () => {
  const { code, stderr } = await run({ linux: { resources: { memory: { limit: MIB } } } });
  assert.is(code, 0, stderr);
});

test("a limit on processes holds", async () => {
  const patch = { linux: { resources: { pids: { limit: 1 } } } };
  const { code, stderr } = await run(withScript("true; (true); echo not here", patch));
  assert.is.not(code, 0, stderr);
  assert.match(stderr, "fork");
});

test("every device can be made, and opened as the rules allow in their order", async () => {
  const [disk = 0] = vda();
  const devices = [
    { allow: false, access: "rwm" },
    { allow: true, access: "rw", type: "c", major: 1, minor: 11 },
    { allow: false, access: "w", type: "c", major: 1, minor: 11 },
    { allow: true, access: "r", type: "b", major: disk },
  ];
  const tries: [command: string, works: boolean][] = [
    ["echo > /dev/null", true],
    ["mknod kmsg c 1 11 && : < kmsg", true],
    [": > kmsg", false],
    ["mknod mem c 1 1", true],
    [": < mem", false],
    [`mknod disk b ${disk} 0 && : < disk`, true],
    [": > disk", false],
  ];
  const names = ["CAP_MKNOD", "CAP_SYS_RAWIO", "CAP_SYSLOG"];
  const capabilities = { bounding: names, effective: names, permitted: names };
  const patch = { process: { capabilities, cwd: "/dev" }, linux: { resources: { devices } } };
  const text = tries.map(([command]) => `(${command}) 2>/dev/null && echo true || echo false`);
  const answers = (await inside(text.join("\n"), patch)).trimEnd().split("\n");
  assert.equal(
    tries.map(([command], index) => `${command}: ${answers[index]}`),
    tries.map(([command, works]) => `${command}: ${works}`),
  );
});

test("in a cgroup namespace the container's cgroup is the root of what is mounted", async () => {
  const namespaces = [...defaultNamespaces, { type: "cgroup" }];
  const resources = { pids: { limit: 77 } };
  const text = `cat /proc/self/cgroup; cd ${MOUNT}; cat pids.max; mkdir -p a/b; echo 1 > a/b/cgroup.procs
    cat /proc/self/cgroup`;
  const patch = withScript(text, { ...ownView, linux: { namespaces, resources } });
  assert.is((await run(patch)).stdout, "0::/\n77\n0::/a/b\n");
});

test("the container's user owns its cgroup where it is mounted writable, and nothing else", async () => {
  const namespaces = [...defaultNamespaces, { type: "cgroup" }];
  const text = `cd ${MOUNT}; mkdir mine && echo 0 > mine/cgroup.procs && cat /proc/self/cgroup
    echo 5 2>/dev/null > pids.max || echo limits are not`;
  const user = { uid: 1000, gid: 1000 };
  const cgroupsPath = `/${freshName()}`;
  const patch = {
    ...ownView,
    process: { ...Object(withScript(text)["process"]), user },
    linux: { cgroupsPath, namespaces },
  };
  assert.is((await run(patch)).stdout, "0::/mine\nlimits are not\n");
  const owners = async (change: Patch): Promise<number[]> => {
    let found: number[] = [];
    await withContainer({ ...patch, ...change }, async () => {
      const files = ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "pids.max"];
      found = files.map((file) => statSync(join(MOUNT, cgroupsPath, file)).uid);
    });
    return found;
  };
  assert.equal(await owners({}), [1000, 1000, 1000, 1000, 0]);
  const readOnly = { destination: MOUNT, type: "cgroup", source: "cgroup", options: ["ro"] };
  assert.equal(await owners({ mounts: [...defaultMounts, readOnly] }), [0, 0, 0, 0, 0]);
  const shared = { cgroupsPath, namespaces: defaultNamespaces };
  assert.equal(await owners({ linux: shared }), [0, 0, 0, 0, 0]);
  shows("linux.cgroup-owner.files");
});

test("a policy of memory is set when the cpuset says what nodes there are", async () => {
  const resources = { cpu: { mems: "0" } };
  const memoryPolicy = { mode: "MPOL_BIND", nodes: "0" };
  const patch = { linux: { resources, memoryPolicy } };
  assert.match(await inside("head -n 1 /proc/self/numa_maps", patch), " bind:0 ");
});

test("limits that the kernel cannot have are refused by field and file, and nothing stays", async () => {
  const cases: readonly (readonly [resources: Patch, words: RegExp])[] = [
    [
      { blockIO: { throttleReadBpsDevice: [{ major: 4095, minor: 7, rate: 1 }] } },
      /blockIO\/throttleReadBpsDevice\/0\).*io\.max.*ENODEV.*no such block device/,
    ],
    [
      { hugepageLimits: [{ pageSize: "3MB", limit: 0 }] },
      /hugepageLimits\/0\).*hugetlb\.3MB\.max.*ENOENT.*hugepages/,
    ],
    [{ unified: { "made.up": "1" } }, /unified\/made\.up\).*made\.up.*controller made is not/],
    [{ unified: { "memory.made-up": "1" } }, /unified\/memory\.made-up\).*memory\.made-up.*ENOENT/],
    [{ unified: { "memory.high": "x" } }, /unified\/memory\.high\).*memory\.high.*EINVAL/],
    [{ cpu: { quota: 999 } }, /cpu\/quota\).*cpu\.max.*EINVAL.*from 1000/],
    [{ cpu: { mems: "63" } }, /cpu\/mems\).*cpuset\.mems/],
    [{ pids: { limit: 2 ** 40 } }, /pids\/limit\).*pids\.max.*EINVAL/],
  ];
  for (const [resources, words] of cases) {
    const cgroupsPath = `/${freshName()}`;
    await refusesBundle(bundle({ linux: { cgroupsPath, resources } }), words);
    assert.not(existsSync(join(MOUNT, cgroupsPath)));
  }
});

test("a cgroup that is there is used when it is empty, and stays; not with processes or frozen", async () => {
  const cgroupsPath = `/${freshName()}`;
  const directory = join(MOUNT, cgroupsPath);
  mkdirSync(directory);
  try {
    const patch = { linux: { cgroupsPath, resources: { pids: { limit: 9 } } } };
    assert.is(await inside("cat /proc/self/cgroup", patch), `0::${cgroupsPath}\n`);
    assert.ok(existsSync(directory));
    const child = Bun.spawn(["sleep", "100"]);
    try {
      await Bun.write(join(directory, "cgroup.procs"), `${child.pid}`);
      await refusesBundle(bundle(patch), /\/linux\/cgroupsPath|cgroup.*process/);
    } finally {
      child.kill();
      await child.exited;
    }
    await waitUntil("an empty cgroup", () => read(cgroupsPath, "cgroup.procs") === "");
    await Bun.write(join(directory, "cgroup.freeze"), "1");
    await refusesBundle(bundle(patch), /frozen/);
  } finally {
    rmdirSync(directory);
  }
});

test("a cgroup that takes no processes is named, with the reason", async () => {
  const [passing, threaded] = [`/${freshName()}`, `/${freshName()}`];
  const below = [`${passing}/below`, `${threaded}/threads`];
  for (const path of below) mkdirSync(join(MOUNT, path), { recursive: true });
  try {
    await Bun.write(join(MOUNT, "cgroup.subtree_control"), "+memory");
    await Bun.write(join(MOUNT, passing, "cgroup.subtree_control"), "+memory");
    const patch = { linux: { cgroupsPath: passing, resources: undefined } };
    await refusesBundle(bundle(patch), /cgroup\.join.*EBUSY.*hint: it passes controllers on/);
    await Bun.write(join(MOUNT, threaded, "threads/cgroup.type"), "threaded");
    const cgroupsPath = `${threaded}/${freshName()}`;
    for (const resources of [{}, { memory: { limit: 64 * MIB } }]) {
      const patch = { linux: { cgroupsPath, resources } };
      await refusesBundle(
        bundle(patch),
        /(EOPNOTSUPP|ENOENT).*hint: a cgroup above it is threaded/,
      );
      assert.not(existsSync(join(MOUNT, cgroupsPath)));
    }
  } finally {
    for (const path of [...below, passing, threaded]) rmdirSync(join(MOUNT, path));
  }
});

test("without cgroupsPath, and with a relative one, the container has a cgroup and its limits", async () => {
  for (const cgroupsPath of [undefined, `${room.prefix}-relative/${freshName()}`]) {
    const resources = { memory: { limit: 32 * MIB } };
    const linux = { resources, ...(cgroupsPath === undefined ? {} : { cgroupsPath }) };
    await withContainer({ ...sleeper, linux }, async ({ id, state }) => {
      const { pid } = await state();
      const [, path = ""] = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8")) ?? [];
      assert.ok(path.endsWith(cgroupsPath ?? id), path);
      assert.is(read(path, "memory.max"), `${32 * MIB}`);
    });
  }
});

test("what cgroup v2 cannot express is refused by name, all of it at once", async () => {
  const resources = {
    memory: { swappiness: 10, kernelTCP: MIB, disableOOMKiller: true },
    cpu: { realtimeRuntime: 1000 },
    network: { classID: 5 },
  };
  const { code, stderr } = await runt(["plan", "--bundle", bundle({ linux: { resources } })]);
  assert.is(code, 1);
  for (const field of [
    "memory/swappiness",
    "memory/disableOOMKiller",
    "cpu/realtimeRuntime",
    "network/classID",
  ]) {
    assert.ok(stderr.includes(`/linux/resources/${field}`), stderr);
  }
});

runTests();
