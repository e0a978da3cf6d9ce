import { test } from "uvu";
import * as assert from "uvu/assert";
import { isolates, namespaces } from "../../../runtime/clauses/namespaces.ts";
import type { Linux, Namespace } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const surroundings = { facts: hybridRoot, container: demo, birthplace: null };
const RANGE = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const MAPPED = { uidMappings: RANGE, gidMappings: RANGE };

function compiled(...list: Namespace[]) {
  return namespaces(configOf({ linux: { namespaces: list } }), surroundings);
}

function compiledFor(linux: Linux, facts = hybridRoot, container = demo) {
  return namespaces(configOf({ linux }), { facts, container, birthplace: null });
}

test("new namespaces are made by the clone of init", () => {
  const { open, clone } = compiled({ type: "pid" }, { type: "mount", path: "" });
  assert.equal(open, []);
  assert.equal(lines(clone), ["host clone pid mount →$init"]);
});

test("without namespaces init is cloned all the same", () => {
  assert.equal(lines(namespaces(configOf({}), surroundings).clone), ["host clone  →$init"]);
});

test("a namespace with a path is opened by the host and joined by a joiner", () => {
  const { open, fork, clone } = compiled(
    { type: "network", path: "/run/ns/net" },
    { type: "mount" },
  );
  assert.equal(lines(open), ["host namespace.open network /run/ns/net →$network-namespace"]);
  assert.equal(lines(fork), ["host joiner.fork"]);
  assert.equal(lines(clone), [
    "joiner process.protect dies with its maker, cannot be traced, umask 0",
    "joiner namespace.join network $network-namespace",
    "joiner clone mount →$init",
    "host init.adopt $init",
  ]);
});

test("only a network namespace that is new has its loopback interface brought up", () => {
  assert.equal(lines(compiled({ type: "network" }).prepare), ["init interface.up lo"]);
  assert.equal(compiled({ type: "network", path: "/run/ns/net" }).prepare, []);
});

test("a new cgroup namespace is not made by the clone", () => {
  const { clone, unshareCgroup } = compiled({ type: "mount" }, { type: "cgroup" });
  assert.equal(lines(clone), ["host clone mount →$init"]);
  assert.equal(lines(unshareCgroup), ["init unshare cgroup"]);
});

test("a new user namespace is made by the clone, mapped by the host, and init waits to be its root", () => {
  const { clone, map, become } = compiledFor({ ...MAPPED, namespaces: [{ type: "user" }] });
  assert.equal(lines(clone), ["host clone user →$init"]);
  assert.equal(lines(map), ["host ids.map init: uid 0→100000×65536, gid 0→100000×65536"]);
  assert.equal(lines(become), ["init identity.become-root 0:0"]);
});

test("namespaces of others are joined before a new user namespace takes the rights away", () => {
  const list: Namespace[] = [{ type: "user" }, { type: "network", path: "/n" }];
  const { clone, map } = compiledFor({ ...MAPPED, namespaces: list });
  assert.equal(lines(clone), [
    "joiner process.protect dies with its maker, cannot be traced, umask 0",
    "joiner namespace.join network $network-namespace",
    "joiner clone user →$init",
    "host init.adopt $init",
  ]);
  assert.is(map.length, 1);
});

test("a user namespace is joined after what may be joined without it, and before the rest", () => {
  const list: Namespace[] = [
    { type: "user", path: "/u" },
    { type: "network", path: "/n" },
    { type: "mount" },
  ];
  const { clone, map, become } = compiledFor({ namespaces: list });
  assert.equal(lines(clone), [
    "joiner process.protect dies with its maker, cannot be traced, umask 0",
    "joiner namespace.join network $network-namespace if allowed",
    "joiner namespace.join user $user-namespace",
    "joiner namespace.join network $network-namespace",
    "joiner clone mount →$init",
    "host init.adopt $init",
  ]);
  assert.equal(map, []);
  assert.equal(lines(become), ["init identity.become-root 0:0"]);
});

test("a time namespace is the joiner's until it has its offsets, in the user namespace that owns it", () => {
  const timeOffsets = { boottime: { secs: -5 }, monotonic: { secs: 7n, nanosecs: 8 } };
  const list: Namespace[] = [{ type: "time" }, { type: "user" }, { type: "pid" }];
  const { fork, clone, map } = compiledFor({ ...MAPPED, timeOffsets, namespaces: list });
  assert.equal(lines(fork), [
    "host joiner.fork",
    "joiner time.open-offsets /proc/self/timens_offsets →$time-offsets",
  ]);
  assert.equal(lines(clone), [
    "joiner unshare user",
    "host waits",
    "host ids.map joiner: uid 0→100000×65536, gid 0→100000×65536",
    "init waits",
    "joiner unshare time",
    "joiner time.set-offsets monotonic 7 8, boottime -5 0",
    "joiner clone pid →$init",
    "host init.adopt $init",
  ]);
  assert.equal(map, []);
});

test("an ordinary user has to have a user namespace", () => {
  assert.equal(pointers(compiledFor({ namespaces: [{ type: "mount" }] }, v2Rootless).problems), [
    "/linux/namespaces",
  ]);
});

test("a namespace that is joined and the caller's own isolates nothing", () => {
  const path = "/proc/self/ns/net";
  const config = configOf({ linux: { namespaces: [{ type: "network", path }] } });
  assert.ok(isolates(config, demo, "network"));
  assert.not(isolates(config, { ...demo, callerNamespaces: ["network"] }, "network"));
  assert.not(isolates(config, demo, "ipc"));
});

test.run();
