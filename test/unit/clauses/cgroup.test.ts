import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CgroupClause, cgroup } from "../../../runtime/clauses/cgroup.ts";
import type { Config, Linux } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import type { Step } from "../../../runtime/plan/step.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { demo } from "../../support/container-facts.ts";
import { shows } from "../../support/shows.ts";

const NO_CGROUPS: HostFacts = { ...hybridRoot, cgroup: { mode: "none", hierarchies: [] } };

function compiled(linux: Linux, facts: HostFacts): CgroupClause {
  const config: Config = { ociVersion: "1.3.0", root: { path: "rootfs" }, linux };
  const rootless = facts.uid !== 0;
  return cgroup(config, facts, {
    ...demo,
    missingCgroups: ["/cg/demo"],
    rootless,
  });
}

function printed(steps: readonly Step[]): string[] {
  return steps.map(({ op }) => `${op.name} ${op.print()}`);
}

function pointers(linux: Linux, facts: HostFacts): string[] {
  return compiled(linux, facts).problems.map(({ pointer }) => pointer);
}

test("on v1 the cgroup is made in every hierarchy and its cpuset filled", () => {
  const { create } = compiled({ cgroupsPath: "/demo" }, hybridRoot);
  assert.equal(printed(create), [
    "cgroup.create /sys/fs/cgroup/{cpu,cpuacct,cpuset,devices,freezer,blkio,pids,memory,systemd,unified}/demo",
    "cgroup.fill-cpuset /sys/fs/cgroup/cpuset/demo",
  ]);
  assert.ok(create.every(({ because, who }) => because === "/linux/cgroupsPath" && who === "host"));
});

test("a path to the cgroup of everything, or of the caller, is refused", () => {
  for (const cgroupsPath of ["/", ".", "/a/.."]) {
    assert.equal(pointers({ cgroupsPath }, hybridRoot), ["/linux/cgroupsPath"], cgroupsPath);
  }
  assert.equal(pointers({ cgroupsPath: "" }, hybridRoot), []);
});

test("the levels that are not there yet are what undo removes", () => {
  const { create } = compiled({}, hybridRoot);
  assert.match(JSON.stringify(create[0]?.op.args), '"missing":["/cg/demo"]');
});

test("init enters the hierarchies of v1 by itself, the one that charges memory last", () => {
  const { open, enter, enterMemory, birthplace } = compiled({}, hybridRoot);
  assert.equal(printed(enterMemory), ["cgroup.enter $cgroup.memory"]);
  assert.is(enter.length, 1);
  assert.not.match(printed(enter)[0] ?? "", "memory");
  assert.is(birthplace, "$cgroup");
  assert.is(printed(open).at(-1), "cgroup.open /sys/fs/cgroup/unified/demo →$cgroup");
});

test("each limit is a write to the container's own cgroup because of its field", () => {
  const { limits } = compiled(
    { cgroupsPath: "/demo", resources: { devices: [{ allow: true }], pids: { limit: 7 } } },
    hybridRoot,
  );
  assert.equal(
    limits.map(({ op, because }) => [op.args, because]),
    [
      [
        {
          directory: "/sys/fs/cgroup/pids/demo",
          controller: "pids",
          file: "pids.max",
          value: "7",
          fallback: null,
          required: true,
        },
        "/linux/resources/pids/limit",
      ],
      [
        {
          directory: "/sys/fs/cgroup/devices/demo",
          controller: "devices",
          file: "devices.allow",
          value: "a *:* rwm",
          fallback: null,
          required: true,
        },
        "/linux/resources/devices/0",
      ],
    ],
  );
});

test("a limit whose controller is not mounted is refused", () => {
  const linux: Linux = { resources: { pids: { limit: 7 }, devices: [{ allow: false }] } };
  assert.equal(pointers(linux, NO_CGROUPS), [
    "/linux/resources/pids/limit",
    "/linux/resources/devices",
  ]);
});

test("without any cgroup filesystem a container without limits has no cgroup", () => {
  const clause = compiled({ cgroupsPath: "/demo" }, NO_CGROUPS);
  const { birthplace, ...lists } = clause;
  assert.is(birthplace, null);
  assert.ok(Object.values(lists).every((list) => list.length === 0));
});

test("a resource whose controller is not mounted, or that only v2 has, is refused", () => {
  const linux: Linux = {
    resources: {
      hugepageLimits: [{ pageSize: "2MB", limit: 1 }],
      network: {},
      rdma: { mlx5_0: { hcaHandles: 1 } },
      unified: { "memory.high": "1" },
    },
  };
  assert.equal(pointers(linux, hybridRoot), [
    "/linux/resources/hugepageLimits",
    "/linux/resources/rdma/mlx5_0",
    "/linux/resources/unified/memory.high",
  ]);
  shows("linux.resources.unified.missing");
});

const V2_CGROUP = "/sys/fs/cgroup/user.slice/user-0.slice/demo";

test("on v2 the cgroup is made beside the caller's own, with every controller, and joined last", () => {
  const clause = compiled({}, v2Root);
  assert.equal(printed(clause.create), [
    `cgroup.create ${V2_CGROUP}`,
    `cgroup.enable every controller down to ${V2_CGROUP}`,
  ]);
  assert.is(clause.joinMemory.length, 1);
  assert.equal([clause.enter, clause.problems], [[], []]);
});

test("on v2 limits are converted, unified has the last word, and a program has the devices", () => {
  const linux: Linux = {
    resources: {
      memory: { limit: 2 ** 30, swap: 2 ** 31, reservation: -1 },
      cpu: { shares: 1024, quota: 50_000, period: 100_000, burst: 10, cpus: "0" },
      pids: { limit: -1 },
      blockIO: {
        weight: 500,
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 0 }],
      },
      hugepageLimits: [{ pageSize: "2MB", limit: 4096 }],
      unified: { "memory.high": "900000000", "io.max": "8:0 rbps=1\n8:16 rbps=2" },
      devices: [{ allow: false }, { allow: true, type: "c", major: 10, minor: 229 }],
    },
  };
  assert.equal(
    printed(compiled(linux, v2Root).limits).map((line) => line.replaceAll(`${V2_CGROUP}/`, "")),
    [
      "cgroup.write cpuset.cpus = 0",
      "cgroup.write cpu.weight = 100",
      "cgroup.write cpu.max = 50000 100000",
      "cgroup.write cpu.max.burst = 10",
      "cgroup.write memory.max = 1073741824",
      "cgroup.write memory.low = max",
      "cgroup.write memory.swap.max = 1073741824",
      "cgroup.write pids.max = max",
      "cgroup.write io.bfq.weight = 500 or io.weight = 4950",
      "cgroup.write io.max = 8:0 rbps=1000",
      "cgroup.write io.max = 8:0 wiops=max",
      "cgroup.write hugetlb.2MB.max = 4096",
      "cgroup.write hugetlb.2MB.rsvd.max = 4096",
      `devices.attach ${V2_CGROUP}: nothing but 12 entries`,
      "cgroup.write memory.high = 900000000",
      "cgroup.write io.max = 8:0 rbps=1",
      "cgroup.write io.max = 8:16 rbps=2",
    ],
  );
  shows("linux.resources.conversion");
});

test("what v2 has no file for is refused by its field, unless it asks for nothing", () => {
  const resources = {
    memory: { swappiness: 60, disableOOMKiller: true },
    cpu: { realtimeRuntime: 1000, realtimePeriod: 0 },
    blockIO: { leafWeight: 10, weightDevice: [{ major: 8, minor: 0, leafWeight: 10 }] },
    network: { classID: 1, priorities: [{ name: "lo", priority: 1 }] },
  };
  assert.equal(pointers({ resources }, v2Root), [
    "/linux/resources/cpu/realtimeRuntime",
    "/linux/resources/memory/swappiness",
    "/linux/resources/memory/disableOOMKiller",
    "/linux/resources/blockIO/leafWeight",
    "/linux/resources/blockIO/weightDevice/0/leafWeight",
    "/linux/resources/network/classID",
    "/linux/resources/network/priorities",
  ]);
});

test("without root a cgroup is optional unless it is asked for", () => {
  const optional = (linux: Linux) => compiled(linux, v2Rootless).create[0]?.op.args;
  assert.match(JSON.stringify(optional({})), '"optional":true');
  assert.match(JSON.stringify(optional({ cgroupsPath: "demo" })), '"optional":false');
  assert.match(JSON.stringify(compiled({}, v2Root).create[0]?.op.args), '"optional":false');
});

test("without root device rules are left out with a warning", () => {
  const { limits, problems } = compiled({ resources: { devices: [{ allow: false }] } }, v2Rootless);
  assert.equal(
    limits.map(({ op }) => op.name),
    ["warn"],
  );
  assert.equal(problems, []);
});

test.run();
