// update: other limits for a container that is there; all of a change or nothing of it.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Json, Patch } from "../support/bundle.ts";
import { type Container, withContainer, withScript } from "../support/container.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const MOUNT = "/sys/fs/cgroup";
const isV1 = existsSync(`${MOUNT}/memory`) && existsSync(`${MOUNT}/cpu`);
const MiB = 1 << 20;

const isV2 = existsSync(`${MOUNT}/cgroup.controllers`);

/** A test that changes device rules, of either layout. */
function testDevices(name: string, body: () => Promise<void>): void {
  if (isV1 || isV2) test(name, body);
  else skip(name, "no cgroups here");
}

/** A test that reads the files of v2. */
function testV2(name: string, body: () => Promise<void>): void {
  if (isV2) test(name, body);
  else skip(name, "no cgroup v2 here");
}

/** A test that reads the files of v1 hierarchies. */
function testV1(name: string, body: () => Promise<void>): void {
  if (isV1) test(name, body);
  else skip(name, "no cgroup v1 hierarchies here");
}

const FILES = {
  limit: "memory.limit_in_bytes",
  swap: "memory.memsw.limit_in_bytes",
  reservation: "memory.soft_limit_in_bytes",
  swappiness: "memory.swappiness",
  oom: "memory.oom_control",
  quota: "cpu.cfs_quota_us",
  period: "cpu.cfs_period_us",
  burst: "cpu.cfs_burst_us",
  shares: "cpu.shares",
  idle: "cpu.idle",
  cpus: "cpuset.cpus",
  mems: "cpuset.mems",
  pids: "pids.max",
} as const;
type File = keyof typeof FILES;

const UNLIMITED = "9223372036854771712";

interface Subject extends Container {
  path: string;
  /** First lines of files. */
  has(values: Partial<Record<File, number | string>>): void;
  update(...flags: string[]): Promise<void>;
  /** By a document on standard input. */
  change(resources: Json): Promise<void>;
  fails(flags: string[], text: string, stdin?: Json): Promise<void>;
}

/** A started container with a cgroup of a known path. */
async function withSubject(
  resources: Json,
  use: (subject: Subject) => Promise<void>,
  patch: Patch = withScript("while :; do sleep 0.1; done"),
): Promise<void> {
  const cgroupsPath = `/${freshName()}`;
  const linux = typeof patch["linux"] === "object" ? patch["linux"] : {};
  await withContainer(
    { ...patch, linux: { ...linux, cgroupsPath, resources } },
    async (container) => {
      await container.does("start");
      const read = (file: File): string => {
        const name = FILES[file];
        const directory = `${MOUNT}/${name.slice(0, name.indexOf("."))}${cgroupsPath}`;
        return readFileSync(`${directory}/${name}`, "utf8").split("\n")[0] ?? "";
      };
      const run = (flags: readonly string[], stdin?: Json) =>
        runt(["update", ...flags, container.id], {
          ...(stdin === undefined ? {} : { stdin: JSON.stringify(stdin) }),
        });
      await use({
        ...container,
        path: cgroupsPath,
        has: (values) => {
          const found = Object.keys(values).map((file) => [file, isFile(file) ? read(file) : ""]);
          const wanted = Object.entries(values).map(([file, value]) => [file, `${value}`]);
          assert.equal(Object.fromEntries(found), Object.fromEntries(wanted));
        },
        update: async (...flags) => {
          const { code, stdout, stderr } = await run(flags);
          assert.equal([code, stdout, stderr], [0, "", ""], flags.join(" "));
        },
        change: async (resources) => {
          const { code, stderr } = await run(["--resources", "-"], resources);
          assert.is(code, 0, stderr);
        },
        fails: async (flags, text, stdin) => {
          const { code, stderr } = await run(flags, stdin);
          assert.is(code, 1, flags.join(" "));
          assert.match(stderr, text);
        },
      });
    },
  );
}

function isFile(name: string): name is File {
  return name in FILES;
}

testV1("every flag sets its limit, and what is not named stays", async () => {
  await withSubject({}, async ({ has, update }) => {
    await update("--memory", "100m", "--memory-reservation=50M", "--memory-swap", "200mib");
    has({ limit: 100 * MiB, reservation: 50 * MiB, swap: 200 * MiB });
    await update("--cpu-quota", "50000");
    has({ quota: 50_000, period: 100_000 });
    await update("--cpu-period", "200000", "--cpu-burst=10000");
    has({ quota: 50_000, period: 200_000, burst: 10_000 });
    await update(
      "--cpu-share",
      "512",
      "--cpuset-cpus",
      "0",
      "--cpuset-mems=0",
      "--pids-limit",
      "77",
    );
    has({ shares: 512, cpus: "0", mems: "0", pids: 77, limit: 100 * MiB });
    await update("--pids-limit=-1", "--cpu-quota=-1", "--memory", "-1");
    has({ pids: "max", quota: -1, limit: UNLIMITED, swap: UNLIMITED });
  });
});

testV1("limits that depend on each other change at once, up and down", async () => {
  const resources = {
    memory: { limit: 20 * MiB, swap: 30 * MiB },
    cpu: { quota: 20_000, period: 100_000, burst: 10_000 },
  };
  await withSubject(resources, async ({ has, update }) => {
    for (const [memory, swap] of [
      [100, 200],
      [300, 300],
      [50, 60],
      [400, 500],
      [20, 20],
    ] as const) {
      await update(`--memory=${memory}m`, `--memory-swap=${swap}m`);
      has({ limit: memory * MiB, swap: swap * MiB });
    }
    for (const [quota, period, burst] of [
      [5000, 100_000, 5000],
      [90_000, 50_000, 60_000],
      [2000, 10_000, 0],
    ] as const) {
      await update(`--cpu-quota=${quota}`, `--cpu-period=${period}`, `--cpu-burst=${burst}`);
      has({ quota, period, burst });
    }
  });
});

testV1("a container becomes idle and is so no longer, with its shares", async () => {
  await withSubject({ cpu: { shares: 300 } }, async ({ has, update }) => {
    await update("--cpu-idle=1");
    has({ idle: 1 });
    await update("--cpu-share=400", "--cpu-idle", "1");
    has({ idle: 1 });
    await update("--cpu-idle=0");
    has({ idle: 0, shares: 400 });
  });
});

testV1(
  "resources come as a file or on standard input, and noughts of engines change nothing",
  async () => {
    await withSubject({ pids: { limit: 30 }, memory: { limit: 64 * MiB } }, async (subject) => {
      const { has, update, change } = subject;
      const file = join(freshDirectory(), "resources.json");
      writeFileSync(file, JSON.stringify({ cpu: { shares: 200 }, memory: { swappiness: 0 } }));
      await update("-r", file, "--pids-limit", "5");
      has({ shares: 200, swappiness: 0, pids: 30, limit: 64 * MiB });
      await change({
        memory: { limit: 32 * MiB, reservation: 0, swap: 0, kernel: 0, disableOOMKiller: true },
        cpu: { shares: 0, quota: 0, period: 0, cpus: "", mems: "" },
        blockIO: { weight: 0 },
        devices: [],
      });
      has({ limit: 32 * MiB, shares: 200, oom: "oom_kill_disable 1" });
      await change({ memory: { disableOOMKiller: false } });
      has({ limit: 32 * MiB, oom: "oom_kill_disable 0" });
    });
  },
);

testV1("a change that fails leaves everything as it was", async () => {
  await withSubject({ cpu: { shares: 300, quota: 20_000 } }, async (subject) => {
    const { id, has, update, fails, path } = subject;
    const before = {
      shares: 300,
      quota: 20_000,
      period: 100_000,
      cpus: readFileSync(`${MOUNT}/cpuset${path}/cpuset.cpus`, "utf8").trim(),
      limit: UNLIMITED,
      swap: UNLIMITED,
      pids: "max",
    };
    const flags = ["--cpuset-cpus=0", "--cpu-share=500", "--cpu-quota=30000", "--cpu-period=90000"];
    await fails([...flags, "--memory=1k"], "memory.limit_in_bytes");
    has(before);
    const others = [...flags, "--memory=90m", "--memory-swap=95m", "--pids-limit=9"];
    // The last step of all is the one that keeps the resources.
    const obstacle = `${room.root}/${id}/resources.json.new`;
    mkdirSync(obstacle);
    await fails(others, "resources.keep");
    has(before);
    rmdirSync(obstacle);
    await update("--cpu-burst=100");
    has({ ...before, burst: 100 });
  });
});

testV1("what cannot be is refused with its field, before anything is written", async () => {
  await withSubject({ memory: { limit: 50 * MiB, swap: 60 * MiB } }, async ({ has, fails }) => {
    await fails(["--memory=70m", "--cpu-share=3"], "/linux/resources/memory/swap");
    await fails(["--cpu-quota=5000", "--cpu-burst=6000"], "/linux/resources/cpu/burst");
    await fails(["--cpu-idle=7"], "/linux/resources/cpu/idle");
    await fails(["--memory=12x"], 'invalid value for memory: \\"12x\\"');
    await fails(["--pids-limit=many"], "invalid value for pids-limit");
    await fails(["--l3-cache-schema=L3:0=f"], "/linux/intelRdt");
    await fails(["-r", "-"], "standard input: /memory/limit", { memory: { limit: "1" } });
    await fails(["-r", "-"], "/linux/resources/unified", { unified: { "memory.high": "1" } });
    await fails(["-r", "/nonexistent"], "/nonexistent");
    has({ limit: 50 * MiB, swap: 60 * MiB, shares: 1024 });
  });
});

testV1(
  "a limit below what is in use is refused, if that is wanted or the kernel cannot",
  async () => {
    const text = "head -c 8000000 /dev/zero > /dev/shm/x; echo up; while :; do sleep 0.1; done";
    await withSubject(
      {},
      async ({ create, has, fails, change }) => {
        await waitUntil("memory in use", () => create.stdout().includes("up"));
        await change({ memory: { checkBeforeUpdate: true } });
        await fails(["--memory=5m"], "is below the");
        has({ limit: UNLIMITED });
      },
      withScript(text),
    );
  },
);

testV1(
  "a container that is created or paused can be updated, one that has stopped cannot",
  async () => {
    await withContainer({}, async ({ id, does, becomes }) => {
      await does("update", "--pids-limit=40");
      await does("pause");
      await does("update", "--pids-limit=41");
      await does("resume");
      await does("start");
      await becomes("stopped");
      const { code, stderr } = await runt(["update", "--pids-limit=42", id]);
      assert.is(code, 1);
      assert.match(stderr, "container not running");
    });
    const { stderr } = await runt(["update", "--pids-limit=42", "nobody"]);
    assert.match(stderr, "does not exist");
  },
);

const LOG = { path: "/dev/log", type: "c", major: 1, minor: 11 };
const allowLog = { allow: true, type: "c", major: 1, minor: 11, access: "w" };
const denyAll = { allow: false, access: "rwm" };

/** Values of files of v2, of a container at a path. */
function ofV2(path: string, ...files: string[]): string[] {
  return files.map((file) => readFileSync(`${MOUNT}${path}/${file}`, "utf8").trim());
}

testV2("on v2 limits change at once, up and down, and what is not named stays", async () => {
  const resources = { memory: { limit: 64 * MiB, swap: 80 * MiB }, cpu: { shares: 1024 } };
  await withSubject(resources, async ({ path, update, change, fails }) => {
    const memory = () => ofV2(path, "memory.max", "memory.swap.max", "memory.low");
    const cpu = () => ofV2(path, "cpu.max", "cpu.max.burst", "cpu.weight", "cpu.idle", "pids.max");
    await update("--memory=100m", "--memory-swap=300m", "--memory-reservation=10m");
    assert.equal(
      memory(),
      [100, 200, 10].map((size) => `${size * MiB}`),
    );
    await update("--cpu-quota=20000", "--cpu-burst=10000", "--pids-limit=70");
    await update("--cpu-quota=5000", "--cpu-burst=4000", "--cpu-period=50000");
    assert.equal(cpu(), ["5000 50000", "4000", "100", "0", "70"]);
    await update("--cpu-idle=1", "--cpu-share=512");
    await update("--cpu-idle=0", "--memory=-1");
    assert.equal(cpu(), ["5000 50000", "4000", "59", "0", "70"]);
    assert.equal(memory(), ["max", "max", `${10 * MiB}`]);
    await change({ unified: { "memory.high": "50000000" } });
    assert.equal(ofV2(path, "memory.high"), ["49999872"]);
    const flags = ["--cpuset-cpus=4000", "--cpu-quota=9000", "--pids-limit=3"];
    await fails(flags, "cpuset.cpus");
    await fails(["-r", "-"], "memory.no_such_file", {
      cpu: { quota: 9000 },
      unified: { "memory.no_such_file": "1" },
    });
    assert.equal(cpu(), ["5000 50000", "4000", "59", "0", "70"]);
  });
});

testDevices(
  "devices are opened and closed on a live container, and others never close",
  async () => {
    const text = `while :; do
      if true 2>/dev/null >/dev/log; then echo open; else echo closed; fi
      true 2>/dev/null >/dev/null || echo gap
    done`;
    const patch = withScript(text, { linux: { devices: [LOG] } });
    await withSubject(
      { devices: [denyAll] },
      async ({ id, create, change, fails }) => {
        const last = () => create.stdout().trimEnd().split("\n").at(-1);
        await waitUntil("closed", () => last() === "closed");
        for (let round = 0; round < 5; round++) {
          await change({ devices: [denyAll, allowLog] });
          await waitUntil("open", () => last() === "open");
          await change({ devices: [denyAll] });
          await waitUntil("closed again", () => last() === "closed");
        }
        // All but one, and back.
        await change({
          devices: [
            { allow: true, access: "rwm" },
            { ...allowLog, allow: false },
          ],
        });
        await waitUntil("closed to writers", () => last() === "closed");
        await change({ devices: [{ allow: true, access: "rwm" }] });
        await waitUntil("open with all", () => last() === "open");
        await change({ devices: [denyAll] });
        await waitUntil("closed with all", () => last() === "closed");
        const obstacle = `${room.root}/${id}/resources.json.new`;
        mkdirSync(obstacle);
        await fails(["-r", "-"], "resources.keep", { devices: [denyAll, allowLog] });
        rmdirSync(obstacle);
        const length = create.stdout().length;
        await waitUntil("more", () => create.stdout().length > length + 100);
        assert.not.match(create.stdout().slice(length), "open");
        assert.not.match(create.stdout(), "gap");
      },
      patch,
    );
  },
);

runTests();
