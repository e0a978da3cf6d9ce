// linux.resources on hosts with cgroup v1, controller by controller: what their files say, read from
// outside, and what is said of limits that cannot be had, of which nothing may be left.
// Runs alone: every process of the machine is in the hierarchies that are mounted here.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, type Json } from "../support/bundle.ts";
import { stateOf, withContainer } from "../support/container.ts";
import { withHierarchies } from "../support/hierarchies.ts";
import { refusesBundle } from "../support/refusal.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { type RuntOptions, runt } from "../support/runt.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

const MOUNT = "/sys/fs/cgroup";
const isV1 = existsSync(`${MOUNT}/pids/cgroup.procs`) && existsSync(`${MOUNT}/cpuset/cgroup.procs`);
const HOST_LACKS = ["hugetlb", "net_cls,net_prio"];

function testV1(name: string, act: () => Promise<void>): void {
  if (foreignRuntime) skip(name, "another runtime is under test");
  else if (isV1) test(name, act);
  else skip(name, "the hierarchies of cgroup v1 are not mounted");
}

/** Creates a container with resources, and reads files of its cgroup by `controller/file`. */
async function withLimits(
  resources: Json,
  use: (read: (name: string) => string) => void,
  options: RuntOptions & { path?(path: string): string } = {},
): Promise<void> {
  const cgroupsPath = `/${freshName()}`;
  const { path = (same) => same, ...rest } = options;
  const directory = (controller: string): string => path(join(MOUNT, controller, cgroupsPath));
  const read = (name: string): string => {
    const [controller = "", file = ""] = name.split("/");
    return readFileSync(join(directory(controller), file), "utf8").trimEnd();
  };
  await withContainer({ linux: { cgroupsPath, resources } }, async () => use(read), rest);
  const left = readdirSync(path(MOUNT)).filter((name) => existsSync(directory(name)));
  assert.equal(left, []);
}

/** Asserts that resources are refused, and that no hierarchy keeps anything of it. */
async function refuses(
  resources: Json,
  pattern: RegExp,
  options: RuntOptions & { path?(path: string): string } = {},
): Promise<void> {
  const cgroupsPath = `/${freshName()}`;
  const { path = (same) => same, ...rest } = options;
  await refusesBundle(bundle({ linux: { cgroupsPath, resources } }), pattern, rest);
  for (const name of readdirSync(path(MOUNT))) {
    assert.not(existsSync(path(join(MOUNT, name, cgroupsPath))), name);
  }
}

/** A block device with the scheduler bfq, that nobody else uses. */
async function withDisk(use: (numbers: { major: number; minor: number }) => Promise<void>) {
  const file = join(freshDirectory(), "disk");
  writeFileSync(file, Buffer.alloc(1 << 20));
  const device = command("losetup", "--find", "--show", file);
  const queue = `/sys/block/${device.replace("/dev/", "")}`;
  try {
    writeFileSync(`${queue}/queue/scheduler`, "bfq");
    const [major = 0, minor = 0] = readFileSync(`${queue}/dev`, "utf8").split(":").map(Number);
    await use({ major, minor });
  } finally {
    command("losetup", "--detach", device);
  }
}

function command(...argv: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv);
  assert.is(exitCode, 0, `${argv.join(" ")}: ${stderr}`);
  return stdout.toString().trim();
}

const NO_DISK = { major: 4095, minor: 7 };

if (existsSync("/dev/loop-control") && Bun.which("losetup") !== null) {
  testV1("block I/O has weights by bfq, for devices too, and throttles by device", () =>
    withDisk(async (disk) => {
      const numbers = `${disk.major}:${disk.minor}`;
      const blockIO = {
        weight: 300,
        weightDevice: [{ ...disk, weight: 500 }],
        throttleReadBpsDevice: [{ ...disk, rate: 1_048_576 }],
        throttleWriteBpsDevice: [{ ...disk, rate: 2_097_152 }],
        throttleReadIOPSDevice: [{ ...disk, rate: 100 }],
        throttleWriteIOPSDevice: [{ ...disk, rate: 200 }],
      };
      await withLimits({ blockIO }, (read) => {
        assert.is(read("blkio/blkio.bfq.weight"), "300");
        assert.match(read("blkio/blkio.bfq.weight_device"), `${numbers} 500`);
        const throttle = (name: string) => read(`blkio/blkio.throttle.${name}_device`);
        assert.is(throttle("read_bps"), `${numbers} 1048576`);
        assert.is(throttle("write_bps"), `${numbers} 2097152`);
        assert.is(throttle("read_iops"), `${numbers} 100`);
        assert.is(throttle("write_iops"), `${numbers} 200`);
      });
    }),
  );
} else skip("block I/O has weights and throttles", "no loop devices here");

testV1(
  "limits of block I/O that the kernel cannot have are refused by field and file",
  async () => {
    const at = "/linux/resources/blockIO/";
    const cases: readonly (readonly [blockIO: Json, field: string, words: string])[] = [
      [
        { throttleReadBpsDevice: [{ ...NO_DISK, rate: 1 }] },
        "throttleReadBpsDevice/0",
        "blkio.throttle.read_bps_device.*4095:7 1.*no such block device",
      ],
      [
        { weightDevice: [{ ...NO_DISK, weight: 10 }] },
        "weightDevice/0",
        "blkio.bfq.weight_device.*no such block device",
      ],
      [{ leafWeight: 10 }, "leafWeight", "blkio.leaf_weight.*dropped"],
      [{ weight: 9 }, "weight", "found 9, wanted 10 to 1000"],
    ];
    for (const [blockIO, field, words] of cases) {
      await refuses({ blockIO }, new RegExp(`${at}${field}\\b.*${words}`, "s"));
    }
  },
);

testV1("huge pages, packet tags and priorities are in their files where they are mounted", () =>
  withHierarchies(HOST_LACKS, async ({ within, path, missing }) => {
    assert.equal(missing, {});
    const there = { within, path };
    const resources = {
      hugepageLimits: [{ pageSize: "2MB", limit: 4_194_304 }],
      network: {
        classID: 1_048_577,
        priorities: [{ name: "lo", priority: 3 }],
      },
    };
    await withLimits(
      resources,
      (read) => {
        assert.is(read("hugetlb/hugetlb.2MB.limit_in_bytes"), "4194304");
        assert.is(read("hugetlb/hugetlb.2MB.rsvd.limit_in_bytes"), "4194304");
        assert.is(read("net_cls/net_cls.classid"), "1048577");
        assert.match(read("net_prio/net_prio.ifpriomap"), /^lo 3$/m);
      },
      there,
    );
    await refuses(
      { hugepageLimits: [{ pageSize: "3MB", limit: 0 }] },
      /hugetlb\.3MB\.limit_in_bytes.*\/linux\/resources\/hugepageLimits\/0|\/linux\/resources\/hugepageLimits\/0.*hugetlb\.3MB\.limit_in_bytes/s,
      there,
    );
    await refuses(
      { network: { priorities: [{ name: "none0", priority: 1 }] } },
      /\/linux\/resources\/network\/priorities\/0.*net_prio\.ifpriomap.*no such interface/s,
      there,
    );
  }),
);

testV1("limits whose controller is not mounted are refused by field, all at once", async () => {
  const mounted = readdirSync(MOUNT);
  const fields: readonly (readonly [
    controller: string,
    resources: { [key: string]: Json },
    field: string,
  ])[] = [
    ["hugetlb", { hugepageLimits: [{ pageSize: "2MB", limit: 0 }] }, "hugepageLimits"],
    ["net_cls", { network: { classID: 1 } }, "network/classID"],
    ["rdma", { rdma: { mlx5_0: { hcaHandles: 1 } } }, "rdma/mlx5_0"],
    ["", { unified: { "memory.high": "1" } }, "unified/memory.high"],
  ];
  const absent = fields.filter(
    ([controller]) => controller === "" || !mounted.includes(controller),
  );
  const resources = Object.assign({}, ...absent.map(([, one]) => one));
  for (const [, , field] of absent) {
    await refuses(resources, new RegExp(`/linux/resources/${field}: `));
  }
});

testV1("values out of the kernel's range are refused by field and file", async () => {
  const cases: readonly (readonly [resources: Json, file: string, field: string])[] = [
    [{ cpu: { quota: 999 } }, "cpu.cfs_quota_us", "cpu/quota"],
    [{ cpu: { period: 999 } }, "cpu.cfs_period_us", "cpu/period"],
    [{ cpu: { realtimeRuntime: 2_000_000 } }, "cpu.rt_runtime_us", "cpu/realtimeRuntime"],
    [{ cpu: { cpus: "0-4000" } }, "cpuset.cpus", "cpu/cpus"],
    [{ cpu: { mems: "63" } }, "cpuset.mems", "cpu/mems"],
    [{ pids: { limit: 2 ** 40 } }, "pids.max", "pids/limit"],
  ];
  for (const [resources, file, field] of cases) {
    const parts = [`/linux/resources/${field}`, file].map((part) => part.replaceAll(".", "\\."));
    await refuses(resources, new RegExp(`${parts[0]}\\b.*${parts[1]}`, "s"));
  }
});

testV1("a cgroup filesystem that is read-only is named, and nothing is left", async () => {
  const remount = "for d in /sys/fs/cgroup/*; do [ -L $d ] || mount -o remount,bind,ro $d; done";
  const through = ["unshare", "--mount", "sh", "-c", `${remount}; exec "$@"`, "sh"];
  await refuses({}, /^[^\n]*step \d+ cgroup\.create.*mkdir\(.*\/sys\/fs\/cgroup\/.*EROFS/, {
    through,
  });
});

testV1(
  "a cgroup that vanishes while the container is made fails create, and nothing is left",
  async () => {
    const cgroupsPath = `/${freshName()}`;
    const hooks = {
      createRuntime: [{ path: "/bin/rmdir", args: ["rmdir", join(MOUNT, "memory", cgroupsPath)] }],
    };
    await refusesBundle(bundle({ hooks, linux: { cgroupsPath } }), /cgroup\.enter.*memory.*ENODEV/);
    for (const name of readdirSync(MOUNT)) assert.not(existsSync(join(MOUNT, name, cgroupsPath)));
  },
);

testV1("dots of a relative cgroupsPath do not lead above the hierarchy", async () => {
  const cgroupsPath = `../../../${room.prefix}-dots/../${room.prefix}-up`;
  await withContainer({ linux: { cgroupsPath } }, async ({ state }) => {
    const text = readFileSync(`/proc/${(await state()).pid}/cgroup`, "utf8");
    assert.match(text, new RegExp(`:pids:/.*${room.prefix}-up$`, "m"));
    assert.not.match(text, /\.\.|-dots/);
  });
});

testV1(
  "what keeps a cgroup from being removed is named, and delete can be tried again",
  async () => {
    const cgroupsPath = `/${freshName()}`;
    const directory = join(MOUNT, "pids", cgroupsPath);
    await withContainer({ linux: { cgroupsPath } }, async ({ id }) => {
      const other = Bun.spawn(["sleep", "100"]);
      try {
        writeFileSync(join(directory, "cgroup.procs"), `${other.pid}`);
        const { code, stderr } = await runt(["delete", "--force", id]);
        assert.is(code, 1);
        assert.match(
          stderr,
          `cannot remove cgroup ${directory}: 1 process(es) are in it: ${other.pid} (sleep)`,
        );
        assert.is((await stateOf(id))?.status, "stopped");
        assert.not(existsSync(join(MOUNT, "memory", cgroupsPath)));
      } finally {
        other.kill("SIGKILL");
        await other.exited;
      }
      assert.is((await runt(["delete", id])).code, 0);
      assert.not(existsSync(directory));
      assert.is(await stateOf(id), undefined);
    });
  },
);

runTests();
