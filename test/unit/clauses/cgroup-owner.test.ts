import { test } from "uvu";
import * as assert from "uvu/assert";
import { cgroupOwner } from "../../../runtime/clauses/cgroup-owner.ts";
import type { Config, Linux } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { shows } from "../../support/shows.ts";

const CGROUP = { source: "cgroup", type: "cgroup", destination: "/sys/fs/cgroup" };
const NAMESPACES = [{ type: "mount" }, { type: "cgroup" }] as const;

interface Asked {
  uid?: number;
  mounts?: Config["mounts"];
  linux?: Linux;
  facts?: HostFacts;
}

/** What is done for a container of user 1000, with all that it takes unless it is left out. */
function owning({ uid = 1000, mounts = [CGROUP], linux = {}, facts = v2Root }: Asked): string[] {
  const config: Config = {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { cwd: "/", args: ["true"], user: { uid, gid: 0 } },
    mounts,
    linux: { cgroupsPath: "/demo", namespaces: [...NAMESPACES], ...linux },
  };
  return cgroupOwner(config, facts, { id: "demo", systemd: null }).map(({ op }) => op.print());
}

test("a cgroup that is mounted writable gets the container's user as its owner", () => {
  assert.equal(owning({}), ["/sys/fs/cgroup/demo → user 1000"]);
  const destination = "/sys/fs/cgroup/";
  assert.is(owning({ mounts: [{ ...CGROUP, destination, options: ["rw", "nosuid"] }] }).length, 1);
  shows("linux.cgroup-owner.when");
});

test("in a user namespace it is the user outside, in a joined one nobody", () => {
  const namespaces = [...NAMESPACES, { type: "user" as const }];
  const uidMappings = [
    { containerID: 0, hostID: 100_000, size: 1 },
    { containerID: 1000, hostID: 200_000, size: 10 },
  ];
  assert.equal(owning({ uid: 1003, linux: { namespaces, uidMappings } }), [
    "/sys/fs/cgroup/demo → user 200003",
  ]);
  const joined = [...NAMESPACES, { type: "user" as const, path: "/proc/7/ns/user" }];
  assert.equal(owning({ linux: { namespaces: joined, uidMappings } }), []);
});

test("without such a mount a cgroup keeps its owner", () => {
  const others = [
    { ...CGROUP, options: ["nosuid", "ro"] },
    { ...CGROUP, destination: "/cgroup" },
    { ...CGROUP, source: "/sys/fs/cgroup" },
  ];
  for (const mount of others) assert.equal(owning({ mounts: [mount] }), []);
  assert.equal(owning({ mounts: [] }), []);
  shows("linux.cgroup-owner.otherwise");
});

test("without a new cgroup namespace a cgroup keeps its owner", () => {
  const joined = { type: "cgroup" as const, path: "/proc/7/ns/cgroup" };
  assert.equal(owning({ linux: { namespaces: [{ type: "mount" }] } }), []);
  assert.equal(owning({ linux: { namespaces: [{ type: "mount" }, joined] } }), []);
  shows("linux.cgroup-owner.namespace");
});

test("cgroups of v1 keep their owner", () => {
  assert.equal(owning({ facts: hybridRoot }), []);
  shows("linux.cgroup-owner.v1");
});

test("who owns it already, and who may not give it away, does nothing", () => {
  assert.equal(owning({ uid: 0 }), []);
  assert.equal(owning({ facts: v2Rootless }), []);
});

test.run();
