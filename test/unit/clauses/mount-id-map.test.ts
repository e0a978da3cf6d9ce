import { test } from "uvu";
import * as assert from "uvu/assert";
import { mounts } from "../../../runtime/clauses/mounts.ts";
import type { Linux, Mount } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const range = (hostID: number) => [{ containerID: 0, hostID, size: 10 }];
const mapped = (hostID: number) => ({ uidMappings: range(hostID), gidMappings: range(hostID) });
const tree = (destination: string, options: string[], more: Partial<Mount> = {}): Mount => {
  return { destination, source: "/srv", options: ["rbind", ...options], ...more };
};

function compiled(list: Mount[], linux: Linux = {}, facts = hybridRoot) {
  return mounts(configOf({ mounts: list, linux }), facts, demo);
}

test("mounts of one mapping share one user namespace, and each mapping has its own", () => {
  const { open, mount, problems } = compiled([
    tree("/a", ["idmap"], mapped(1000)),
    tree("/b", ["ridmap"], mapped(1000)),
    tree("/c", [], mapped(2000)),
  ]);
  assert.equal(lines(open), [
    "host idmap.open uid 0:1000:10 gid 0:1000:10 →$idmap0",
    "host tree.open /srv →$tree0",
    "host tree.map $tree0 by $idmap0",
    "host tree.open /srv →$tree1",
    "host tree.map $tree1 by $idmap0 (recursive)",
    "host idmap.open uid 0:2000:10 gid 0:2000:10 →$idmap1",
    "host tree.open /srv →$tree2",
    "host tree.map $tree2 by $idmap1",
  ]);
  assert.equal([mount.length, problems], [3, []]);
});

test("an option alone means the mappings of the container's user namespace", () => {
  const own = compiled([tree("/a", ["idmap"])], {
    namespaces: [{ type: "user" }, { type: "mount" }],
    ...mapped(5000),
  });
  assert.equal(lines(own.open), ["host idmap.open uid 0:5000:10 gid 0:5000:10 →$idmap0"]);
  const inside = own.openInside.filter((one) => "op" in one);
  assert.equal(lines(inside), [
    "host tree.open-inside /srv →$tree0",
    "host tree.map $tree0 by $idmap0",
    "init tree.take $tree0",
  ]);
  const joined = compiled([tree("/a", ["ridmap"])], {
    namespaces: [{ type: "user", path: "/run/user-namespace" }],
  });
  assert.equal(lines(joined.open).slice(1), [
    "host tree.map $tree0 by $user-namespace (recursive)",
  ]);
});

test("of idmap and ridmap the later one wins", () => {
  const depth = (...options: string[]) =>
    lines(compiled([tree("/a", options, mapped(1))]).open).at(-1);
  assert.is(depth("idmap", "ridmap"), "host tree.map $tree0 by $idmap0 (recursive)");
  assert.is(depth("ridmap", "idmap"), "host tree.map $tree0 by $idmap0");
});

test("a filesystem of its own is mapped before it is put in place", () => {
  const { open, mount } = compiled([
    { destination: "/t", type: "tmpfs", options: ["idmap"], ...mapped(7) },
  ]);
  assert.equal(lines(open), ["host idmap.open uid 0:7:10 gid 0:7:10 →$idmap0"]);
  const [step] = mount;
  assert.equal(step && "idMap" in step.op.args && step.op.args.idMap, {
    map: "$idmap0",
    recursive: false,
  });
});

const wrong: [mount: Mount, pointer: string][] = [
  [tree("/a", ["idmap"]), "/mounts/0/options"],
  [tree("/a", ["ridmap"], { uidMappings: [], gidMappings: [] }), "/mounts/0/options"],
  [tree("/a", ["idmap"], { uidMappings: range(1), gidMappings: [] }), "/mounts/0/uidMappings"],
  [tree("/a", ["idmap"], { uidMappings: [], gidMappings: range(1) }), "/mounts/0/gidMappings"],
  [tree("/a", ["remount", "idmap"], mapped(1)), "/mounts/0/options"],
  [{ destination: "/c", type: "cgroup", options: ["idmap"], ...mapped(1) }, "/mounts/0"],
];

test("mappings that cannot be had are refused where they stand", () => {
  for (const [mount, pointer] of wrong) {
    assert.equal(pointers(compiled([mount]).problems), [pointer], JSON.stringify(mount));
  }
});

test("a caller without privileges is told what to do instead", () => {
  const { problems } = compiled(
    [tree("/a", [], mapped(1))],
    {},
    { ...hybridRoot, capabilities: [] },
  );
  assert.match(problems[0]?.message ?? "", "needs CAP_SYS_ADMIN");
  assert.match(problems[0]?.hint ?? "", "user namespace");
});

test.run();
