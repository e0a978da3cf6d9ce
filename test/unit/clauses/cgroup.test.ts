import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CgroupClause, cgroup } from "../../../runtime/clauses/cgroup.ts";
import type { Config, Linux } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import type { Step } from "../../../runtime/plan/step.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { shows } from "../../support/shows.ts";

const NO_CGROUPS: HostFacts = { ...hybridRoot, cgroup: { mode: "none", hierarchies: [] } };

function compiled(linux: Linux, facts: HostFacts): CgroupClause {
  const config: Config = { ociVersion: "1.3.0", root: { path: "rootfs" }, linux };
  const rootless = facts.uid !== 0;
  return cgroup(config, facts, { id: "demo", missingCgroups: ["/cg/demo"], rootless });
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
        { directory: "/sys/fs/cgroup/pids/demo", file: "pids.max", value: "7" },
        "/linux/resources/pids/limit",
      ],
      [
        {
          directory: "/sys/fs/cgroup/devices/demo",
          file: "devices.allow",
          value: "a *:* rwm",
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

test("resources that are not acted on are refused, empty ones are not", () => {
  const linux: Linux = {
    resources: {
      blockIO: { weight: 10 },
      hugepageLimits: [{ pageSize: "2MB", limit: 1 }],
      network: {},
      rdma: { mlx5_0: { hcaHandles: 1 } },
      unified: {},
    },
  };
  assert.equal(pointers(linux, hybridRoot), [
    "/linux/resources/blockIO",
    "/linux/resources/hugepageLimits",
    "/linux/resources/rdma",
  ]);
  shows("linux.resources.unified.missing");
});

test("on v2 the cgroup is made beside the caller's own and joined last", () => {
  const clause = compiled({}, v2Root);
  assert.equal(printed(clause.create), [
    "cgroup.create /sys/fs/cgroup/user.slice/user-0.slice/demo",
  ]);
  assert.is(clause.joinMemory.length, 1);
  assert.equal([clause.enter, clause.limits, clause.problems], [[], [], []]);
});

test("on v2 each limit and the list of devices are refused", () => {
  const linux: Linux = {
    resources: {
      memory: { limit: 2 ** 30, swap: -1 },
      cpu: { shares: 10 },
      devices: [{ allow: false }, { allow: true, type: "c", major: 1, minor: 3 }],
    },
  };
  assert.equal(pointers(linux, v2Root), [
    "/linux/resources/cpu/shares",
    "/linux/resources/memory/limit",
    "/linux/resources/memory/swap",
    "/linux/resources/devices",
  ]);
  shows("linux.resources.conversion");
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
