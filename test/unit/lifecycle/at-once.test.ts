import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Config } from "../../../runtime/config/types.gen.ts";
import { isAtOnce } from "../../../runtime/lifecycle/at-once.ts";
import { defaultSpec } from "../../../runtime/lifecycle/spec.ts";
import { createPlan } from "../../../runtime/plan/create.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { demo } from "../../support/container-facts.ts";

const usual = defaultSpec();
const { linux } = usual;
type Namespaces = NonNullable<NonNullable<Config["linux"]>["namespaces"]>;

for (const [name, facts] of Object.entries({ v1: hybridRoot, v2: v2Root })) {
  const atOnce = (changes: Partial<Config>): boolean =>
    isAtOnce(createPlan({ ...usual, ...changes }, facts, demo));

  test(`a usual container, and one of a pod, is made by the shim itself on ${name}`, () => {
    assert.ok(atOnce({}));
    const namespaces: Namespaces = [
      { type: "network", path: "/proc/1/ns/net" },
      { type: "ipc", path: "/proc/1/ns/ipc" },
      { type: "uts", path: "/proc/1/ns/uts" },
      { type: "pid" },
      { type: "mount" },
    ];
    const resources = { ...linux?.resources, memory: { limit: 1e8 }, cpu: { shares: 512 } };
    assert.ok(atOnce({ linux: { ...linux, resources, namespaces } }));
  });

  test(`one whose steps wait for others is left to a worker on ${name}`, () => {
    assert.not.ok(atOnce({ hooks: { createRuntime: [{ path: "/bin/true" }] } }));
    assert.not.ok(atOnce({ linux: { ...linux, netDevices: { eth0: {} } } }));
  });
}

test.run();
