// --systemd-cgroup with a real systemd: units, limits as their properties and in files, and nothing
// left. Runs on v2 and on v1.

import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { withScript } from "../support/container.ts";
import { freshName } from "../support/room.ts";
import { type Outcome, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const isV2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
const MiB = 2 ** 20;
const LIMIT_MS = 90_000;

function systemdRunt(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return runt(["--systemd-cgroup", ...args], { env, limitMs: LIMIT_MS });
}

function run(patch: Patch, env: Record<string, string> = {}): Promise<Outcome> {
  return systemdRunt(["run", "--bundle", bundle(patch), freshName()], env);
}

/** What systemctl(1) says of a unit. */
function properties(unit: string, ...names: string[]): Record<string, string> {
  const { stdout } = Bun.spawnSync(["systemctl", "show", "-p", names.join(","), unit]);
  const lines = stdout.toString().trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

/** A file of a cgroup, by its name on v2 and its place on v1. */
function limit(cgroup: string, v2: string, v1: string): string {
  const [controller = ""] = v1.split(".");
  const path = isV2 ? `${cgroup}/${v2}` : `/${controller}${cgroup}/${v1}`;
  return readFileSync(`/sys/fs/cgroup${path}`, "utf8").trim();
}

test("a scope has its limits as properties and in files, keeps them at a reload, and goes", async () => {
  const id = freshName();
  const unit = `vm-${id}.scope`;
  const cgroup = `/system.slice/${unit}`;
  const patch: Patch = {
    annotations: { "org.systemd.property.TimeoutStopSec": "uint32 7" },
    linux: {
      cgroupsPath: `system.slice:vm:${id}`,
      resources: {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 1, minor: 1, access: "r" },
        ],
        memory: { limit: 64 * MiB },
        cpu: { shares: 512, quota: 20_000, period: 100_000 },
        pids: { limit: 40 },
      },
    },
  };
  const created = await systemdRunt(["create", "--bundle", bundle(patch), id]);
  assert.is(created.code, 0, created.stderr);
  const found = properties(
    unit,
    ...["Slice", "ControlGroup", "Delegate", "TasksMax", "TimeoutStopUSec", "CPUQuotaPerSecUSec"],
    ...["DevicePolicy", "DeviceAllow", isV2 ? "MemoryMax" : "MemoryLimit"],
  );
  const { DeviceAllow = "", ...others } = found;
  assert.equal(others, {
    Slice: "system.slice",
    ControlGroup: cgroup,
    Delegate: "yes",
    TasksMax: "40",
    TimeoutStopUSec: "7s",
    CPUQuotaPerSecUSec: "200ms",
    DevicePolicy: "strict",
    [isV2 ? "MemoryMax" : "MemoryLimit"]: `${64 * MiB}`,
  });
  assert.match(DeviceAllow, "/dev/char/1:1 r");
  const written = () => [
    limit(cgroup, "memory.max", "memory.limit_in_bytes"),
    limit(cgroup, "pids.max", "pids.max"),
    isV2 ? limit(cgroup, "cpu.max", "") : limit(cgroup, "", "cpu.cfs_quota_us"),
  ];
  const wanted = [`${64 * MiB}`, "40", isV2 ? "20000 100000" : "20000"];
  assert.equal(written(), wanted);
  Bun.spawnSync(["systemctl", "daemon-reload"]);
  assert.equal(written(), wanted);

  const update = ["update", "--memory", `${96 * MiB}`, "--pids-limit", "50", id];
  const updated = await runt(update, { limitMs: LIMIT_MS });
  assert.is(updated.code, 0, updated.stderr);
  Bun.spawnSync(["systemctl", "daemon-reload"]);
  assert.equal(written(), [`${96 * MiB}`, "50", wanted[2]]);
  assert.is(properties(unit, "TasksMax")["TasksMax"], "50");

  const other = await systemdRunt(["run", "--bundle", bundle(patch), freshName()]);
  assert.is(other.code, 1);
  assert.match(other.stderr, isV2 ? "UnitExists" : "cgroup is not empty");
  assert.is(properties(unit, "ActiveState")["ActiveState"], "active");

  const deleted = await runt(["delete", "--force", id], { limitMs: LIMIT_MS });
  assert.equal(deleted, { code: 0, stdout: "", stderr: "" });
  assert.is(properties(unit, "LoadState")["LoadState"], "not-found");
});

test("what systemd cannot keep exactly is a little more when it has reloaded", async () => {
  const id = freshName();
  const resources = { cpu: { quota: 33_333, period: 100_000 }, pids: { limit: 0 } };
  const patch = { linux: { cgroupsPath: `:vm:${id}`, resources } };
  const created = await systemdRunt(["create", "--bundle", bundle(patch), id]);
  assert.is(created.code, 0, created.stderr);
  const cgroup = `/system.slice/vm-${id}.scope`;
  const written = () => [
    isV2 ? limit(cgroup, "cpu.max", "") : limit(cgroup, "", "cpu.cfs_quota_us"),
    limit(cgroup, "pids.max", "pids.max"),
  ];
  const suffix = isV2 ? " 100000" : "";
  assert.equal(written(), [`33333${suffix}`, "0"]);
  Bun.spawnSync(["systemctl", "daemon-reload"]);
  // Whole percents of a CPU; a limit of 1, which is reached by the one process that is there.
  assert.equal(written(), [`34000${suffix}`, "1"]);
  const deleted = await runt(["delete", "--force", id], { limitMs: LIMIT_MS });
  assert.is(deleted.code, 0, deleted.stderr);
});

test("a slice, and scopes in the slices that their names say", async () => {
  for (const [path, place] of [
    ["::vm-a.slice", "/vm.slice/vm-a.slice"],
    ["vm-b.slice:p:x", "/vm.slice/vm-b.slice/p-x.scope"],
  ]) {
    const patch = { linux: { cgroupsPath: path, namespaces: noCgroupNamespace } };
    const { code, stdout, stderr } = await run(withScript("cat /proc/self/cgroup", patch));
    assert.is(code, 0, stderr);
    for (const line of stdout.trim().split("\n")) assert.ok(line.endsWith(`:${place}`), line);
    Bun.spawnSync(["systemctl", "stop", "vm.slice"]);
  }
});

const noCgroupNamespace = ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type }));

test("a cgroup namespace has the scope as its root", async () => {
  const { code, stdout, stderr } = await run(
    withScript("cat /proc/self/cgroup", {
      linux: { namespaces: [...noCgroupNamespace, { type: "cgroup" }] },
    }),
  );
  assert.is(code, 0, stderr);
  for (const line of stdout.trim().split("\n")) assert.match(line, /:\/$/);
});

test("the manager answers every time, by its own socket and by the bus", async () => {
  const bus = { DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/run/dbus/system_bus_socket" };
  for (const env of [{}, {}, {}, bus]) {
    const { code, stderr } = await run({}, env);
    assert.equal({ code, stderr }, { code: 0, stderr: "" });
  }
});

test("systemd's own words are in the error, and a unit that failed is cleared away", async () => {
  const annotations = { "org.systemd.property.CollectMode": "'nonsense'" };
  const wrong = await run({ annotations });
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, "Invalid CollectMode setting: nonsense");
  const name = freshName();
  const failing = ["systemd-run", "--scope", "--quiet", `--unit=vm-${name}.scope`];
  Bun.spawnSync([...failing, "--property=RuntimeMaxSec=1", "sleep", "60"]);
  assert.is(properties(`vm-${name}.scope`, "ActiveState")["ActiveState"], "failed");
  const { code, stderr } = await run({ linux: { cgroupsPath: `:vm:${name}` } });
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
});

runTests({ limitMs: 230_000 });
