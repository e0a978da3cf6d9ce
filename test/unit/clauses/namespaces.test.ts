import { test } from "uvu";
import * as assert from "uvu/assert";
import { isolates, namespaces } from "../../../runtime/clauses/namespaces.ts";
import type { Namespace } from "../../../runtime/config/types.gen.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

function compiled(...list: Namespace[]) {
  return namespaces(configOf({ linux: { namespaces: list } }), null);
}

test("new namespaces are made by the clone of init", () => {
  const { open, clone } = compiled({ type: "pid" }, { type: "mount", path: "" });
  assert.equal(open, []);
  assert.equal(lines(clone), ["host clone pid mount →$init"]);
});

test("without namespaces init is cloned all the same", () => {
  assert.equal(lines(namespaces(configOf({}), null).clone), ["host clone  →$init"]);
});

test("a namespace with a path is opened by the host and joined by a joiner", () => {
  const { open, clone } = compiled({ type: "network", path: "/run/ns/net" }, { type: "mount" });
  assert.equal(lines(open), ["host namespace.open network /run/ns/net →$network-namespace"]);
  assert.equal(lines(clone), [
    "host joiner.fork",
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

test("types that are not acted on are refused where they stand", () => {
  const { problems } = compiled({ type: "mount" }, { type: "user" }, { type: "time" });
  assert.equal(pointers(problems), ["/linux/namespaces/1", "/linux/namespaces/2"]);
});

test("a namespace that is joined and the caller's own isolates nothing", () => {
  const path = "/proc/self/ns/net";
  const config = configOf({ linux: { namespaces: [{ type: "network", path }] } });
  assert.ok(isolates(config, demo, "network"));
  assert.not(isolates(config, { ...demo, callerNamespaces: ["network"] }, "network"));
  assert.not(isolates(config, demo, "ipc"));
});

test.run();
