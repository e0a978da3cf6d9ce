import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SystemdManager } from "../../../runtime/cgroup/systemd/unit.ts";
import { type CgroupClause, cgroup } from "../../../runtime/clauses/cgroup.ts";
import type { Linux } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { createPlan } from "../../../runtime/plan/create.ts";
import type { Step } from "../../../runtime/plan/step.ts";
import { updatePlan } from "../../../runtime/plan/update.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const SYSTEM: SystemdManager = {
  address: "unix:path=/s",
  user: false,
  version: 252,
  controlGroup: "",
};
const USER: SystemdManager = {
  ...SYSTEM,
  user: true,
  controlGroup: "/user.slice/user-1000.slice/user@1000.service",
};
const linux: Linux = {
  cgroupsPath: "system.slice:test:demo",
  resources: { pids: { limit: 7 }, devices: [{ allow: false, access: "rwm" }] },
};

function compiled(parts: Linux, facts: HostFacts, systemd: SystemdManager): CgroupClause {
  return cgroup(configOf({ linux: parts }), facts, { ...demo, systemd });
}

function printed(steps: readonly Step[]): string[] {
  return steps.map(({ op }) => `${op.name} ${op.print()}`);
}

test("on v2 the unit comes last, with init in it; then the files", () => {
  const clause = compiled(linux, v2Root, SYSTEM);
  const { joinMemory, problems, birthplace, ...others } = clause;
  assert.equal([problems, birthplace], [[], null]);
  assert.ok(Object.values(others).every((list) => list.length === 0));
  const [unit, ...files] = printed(joinMemory);
  assert.match(unit ?? "", /^unit.start test-demo.scope Description="runt container demo \(\S+\)"/);
  assert.match(unit ?? "", 'TasksMax="7" DevicePolicy="strict" DeviceAllow=[["char-*","m"]');
  const directory = "/sys/fs/cgroup/system.slice/test-demo.scope";
  assert.equal(files, [
    `cgroup.enable every controller down to ${directory}`,
    `cgroup.write ${directory}/pids.max = 7`,
    `devices.attach ${directory}: nothing but 11 entries`,
  ]);
});

test("a slice begins empty, and init joins it", () => {
  const { joinMemory } = compiled({ cgroupsPath: "::a-b.slice" }, v2Root, SYSTEM);
  assert.is(printed(joinMemory).at(-1), "cgroup.join $init → /sys/fs/cgroup/a.slice/a-b.slice");
});

test("on v1 the cgroups are made beforehand, and joined where systemd does not know them", () => {
  const clause = compiled(linux, hybridRoot, SYSTEM);
  const every =
    "/sys/fs/cgroup/{cpu,cpuacct,cpuset,devices,freezer,blkio,pids,memory,systemd,unified}/system.slice/test-demo.scope";
  assert.equal(printed(clause.create), [
    `cgroup.create ${every}`,
    "cgroup.fill-cpuset /sys/fs/cgroup/cpuset/system.slice/test-demo.scope",
  ]);
  const late = printed(clause.joinMemory);
  assert.match(late[0] ?? "", /^unit.start test-demo.scope/);
  assert.is(late.at(-1), `cgroup.join $init → ${every}`);
  assert.equal([clause.enter, clause.enterMemory, clause.limits], [[], [], []]);
});

test("the manager of a user has its own place, and no rules for devices", () => {
  const { joinMemory, problems } = compiled({ ...linux, cgroupsPath: "" }, v2Rootless, USER);
  assert.equal(problems, []);
  const text = printed(joinMemory).join("\n");
  assert.match(text, `${USER.controlGroup}/user.slice/runt-demo.scope/pids.max = 7`);
  assert.not.match(text, "Device");
});

test("the manager of a user has nothing to give on v1", () => {
  const facts = { ...hybridRoot, uid: 1000 };
  const { problems } = compiled(linux, facts, USER);
  assert.match(problems[0]?.message ?? "", "the systemd of an ordinary user has no cgroups of v1");
});

test("update tells systemd what changes, before it writes every file again", () => {
  const resources = { pids: { limit: 7 }, memory: { limit: 2 ** 20 }, cpu: { quota: 12_345 } };
  const container = {
    ...demo,
    resources,
    intelRdt: undefined,
    cgroups: [
      { controllers: [], mount: "/sys/fs/cgroup", own: "/", directory: "/sys/fs/cgroup/x" },
    ],
    unit: { name: "x.scope", manager: SYSTEM },
  };
  const change = { resources: { memory: { limit: 2 ** 21 } }, schemata: [] };
  const plan = updatePlan(change, container, { facts: v2Root, file: "update" });
  const [unit, ...others] = plan.filter(({ op }) => op.name !== "resources.keep");
  assert.is(unit?.op.print(), 'x.scope MemoryMax="2097152"');
  assert.match(
    JSON.stringify(unit?.op.args),
    '"former":[{"name":"MemoryMax","type":"t","value":"1048576"}]',
  );
  const written = others.map(({ op }) => op.print()).join(" ");
  for (const file of ["memory.max", "pids.max", "cpu.max"]) assert.match(written, file);
});

test("a path that names no unit is one problem, whatever else is asked for", () => {
  const { problems } = compiled({ ...linux, cgroupsPath: "/a/b" }, v2Root, SYSTEM);
  assert.equal(
    problems.map(({ pointer }) => pointer),
    ["/linux/cgroupsPath"],
  );
});

test("annotations that are no properties are problems of theirs", () => {
  const annotations = { "org.systemd.property.KillMode": "mixed" };
  const clause = cgroup(configOf({ linux, annotations }), v2Root, { ...demo, systemd: SYSTEM });
  assert.equal(
    clause.problems.map(({ pointer }) => pointer),
    ["/annotations/org.systemd.property.KillMode"],
  );
});

test("a cgroup namespace is unshared after the unit is there", () => {
  const config = configOf({
    linux: { ...linux, namespaces: [{ type: "mount" }, { type: "cgroup" }] },
  });
  const plan = createPlan(config, v2Root, { ...demo, systemd: SYSTEM });
  const indexOf = (wanted: (one: Step) => boolean) => plan.findIndex(wanted);
  const unit = indexOf(({ op }) => op.name === "unit.start");
  const write = indexOf(({ op }) => op.name === "cgroup.write");
  const unshare = indexOf(({ op }) => op.print().includes("cgroup") && /unshare/.test(op.name));
  assert.ok(unit > 0 && unit < write && write < unshare, `${unit} ${write} ${unshare}`);
  assert.is(JSON.stringify(plan.map(({ op }) => op.args)).includes("PIDs"), false);
});

test.run();
