import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CgroupMountClause, cgroupMount } from "../../../runtime/clauses/cgroup-mount.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import type { Step } from "../../../runtime/plan/step.ts";
import { MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY } from "../../../runtime/sys/mount.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";

/** A host of few hierarchies, one of them with two controllers. */
const SMALL: HostFacts = {
  ...hybridRoot,
  cgroup: {
    mode: "hybrid",
    hierarchies: [
      { controllers: ["cpu", "cpuacct"], mount: "/sys/fs/cgroup/cpu,cpuacct", own: "/" },
      { controllers: ["name=systemd"], mount: "/sys/fs/cgroup/systemd", own: "/" },
      { controllers: [], mount: "/cgroup2", own: "/" },
    ],
  },
};
const MOUNT = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };

function compiled(
  facts: HostFacts,
  namespaces: "own" | "host",
  options: { attributes?: number; data?: string[] } = {},
): CgroupMountClause {
  const config: Config = {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    mounts: [MOUNT],
    linux: { namespaces: namespaces === "own" ? [{ type: "cgroup" }] : [] },
  };
  const { attributes = MOUNT_ATTR_NOSUID, data = [] } = options;
  return cgroupMount(config, facts, {
    mount: MOUNT,
    index: 0,
    attributes,
    data,
    adjustments: [],
    container: { id: "demo", systemd: null },
  });
}

function printed(steps: readonly Step[]): string[] {
  return steps.map(({ who, op }) => `${who} ${op.name} ${op.print()}`);
}

test("without a cgroup namespace the container's own directories are bound into a tmpfs", () => {
  const { open, init, late } = compiled(SMALL, "host");
  assert.equal(printed(open), [
    "host cgroup.open-tree /sys/fs/cgroup/cpu,cpuacct/demo →$cgroup0.0",
    "host cgroup.open-tree /sys/fs/cgroup/systemd/demo →$cgroup0.1",
    "host cgroup.open-tree /cgroup2/demo →$cgroup0.2",
  ]);
  assert.equal(printed(init), [
    "init mount.filesystem tmpfs on /sys/fs/cgroup (mode=755)",
    "init mount.tree $cgroup0.0 on /sys/fs/cgroup/cpu,cpuacct",
    "init mount.tree $cgroup0.1 on /sys/fs/cgroup/systemd",
    "init mount.tree $cgroup0.2 on /sys/fs/cgroup/unified",
    "init link.make /sys/fs/cgroup/cpu → cpu,cpuacct",
    "init link.make /sys/fs/cgroup/cpuacct → cpu,cpuacct",
  ]);
  assert.equal(late, []);
});

test("with a cgroup namespace the filesystems are mounted late, and their place made in time", () => {
  const { open, init, late } = compiled(SMALL, "own");
  assert.equal(open, []);
  assert.equal(printed(init), ["init directory.make /sys/fs/cgroup"]);
  assert.equal(printed(late).slice(0, 4), [
    "init mount.filesystem tmpfs on /sys/fs/cgroup (mode=755)",
    "init mount.filesystem cgroup on /sys/fs/cgroup/cpu,cpuacct (cpu,cpuacct)",
    "init mount.filesystem cgroup on /sys/fs/cgroup/systemd (name=systemd)",
    "init mount.filesystem cgroup2 on /sys/fs/cgroup/unified",
  ]);
});

test("a read-only mount is closed after everything is in it", () => {
  const { late } = compiled(SMALL, "own", { attributes: MOUNT_ATTR_RDONLY });
  assert.is(printed(late).at(-1), "init mount.attributes /sys/fs/cgroup (ro)");
  const attributes = late.map(({ op }) => ("attributes" in op.args ? op.args.attributes : 0));
  assert.equal(attributes.slice(0, 2), [0, MOUNT_ATTR_RDONLY]);
});

test("on v2 a cgroup namespace gets a filesystem of its own, without one the host's is bound", () => {
  assert.equal(printed(compiled(v2Root, "own", { data: ["nsdelegate"] }).late), [
    "init mount.filesystem cgroup2 on /sys/fs/cgroup (nsdelegate)",
  ]);
  const { open, init } = compiled(v2Root, "host");
  assert.equal(printed(open), ["host cgroup.open-tree /sys/fs/cgroup →$cgroup0.0"]);
  assert.equal(printed(init), ["init mount.tree $cgroup0.0 on /sys/fs/cgroup"]);
});

test("options of its own, or no cgroup filesystem on the open, are refused", () => {
  const refused = compiled(SMALL, "own", { data: ["memory"] });
  assert.equal(
    refused.problems.map(({ pointer }) => pointer),
    ["/mounts/0/options"],
  );
  const none: HostFacts = { ...hybridRoot, cgroup: { mode: "none", hierarchies: [] } };
  assert.equal(
    compiled(none, "host").problems.map(({ pointer }) => pointer),
    ["/mounts/0"],
  );
});

test.run();
