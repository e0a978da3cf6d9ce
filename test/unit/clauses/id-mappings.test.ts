import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Container } from "../../../runtime/clauses/container.ts";
import {
  deniesSetgroups,
  firstId,
  idMappingProblems,
  mapIdsOf,
  mapsId,
} from "../../../runtime/clauses/id-mappings.ts";
import type { Config, IDMapping } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

function mapped(uidMappings: IDMapping[], gidMappings = uidMappings): Config {
  return configOf({ linux: { namespaces: [{ type: "user" }], uidMappings, gidMappings } });
}

function range(containerID: number, hostID: number, size: number): IDMapping {
  return { containerID, hostID, size };
}

function messages(config: Config, facts = hybridRoot, container: Container = demo): string[] {
  return idMappingProblems(config, { facts, container }).map(
    ({ pointer, message }) => `${pointer}: ${message}`,
  );
}

const OWN = [range(0, 1000, 1)];
const RANGES = [range(0, 1000, 1), range(1, 100_000, 65_536)];

test("an id is mapped when a range covers it, and always without a user namespace", () => {
  const config = mapped([range(0, 1000, 1), range(10, 2000, 5)]);
  const ids = [0, 1, 9, 10, 14, 15];
  assert.equal(
    ids.map((id) => mapsId(config, "uid", id)),
    [true, false, false, true, true, false],
  );
  assert.ok(mapsId(configOf({}), "uid", 7));
});

test("init becomes root, or the lowest id that there is", () => {
  assert.is(firstId(mapped(OWN), "uid"), 0);
  assert.is(firstId(mapped([range(50, 1000, 3), range(20, 2000, 1)]), "gid"), 20);
});

test("more ranges than the kernel takes are refused with both limits", () => {
  const many = Array.from({ length: 341 }, (_, index) => range(index * 2, index * 2, 1));
  const few = many.slice(0, 340);
  assert.equal(messages(mapped(few)), []);
  const [first] = messages(mapped(many));
  assert.match(first ?? "", /found 341 mappings, \d+ bytes .* at most 340, and at most 4095 bytes/);
  const long = few.map((one) => range(one.containerID, 1_000_000_000 + one.hostID, 1));
  assert.match(messages(mapped(long))[0] ?? "", /found 340 mappings, \d{4} bytes/);
});

test("ranges that overlap, are empty or go too far are refused where they stand", () => {
  const wrong = [range(0, 0, 10), range(9, 100, 1), range(20, 5, 1), range(30, 200, 0)];
  assert.equal(messages(mapped(wrong, OWN)), [
    "/linux/uidMappings/1: found a range of containerID that overlaps mapping 0",
    "/linux/uidMappings/2: found a range of hostID that overlaps mapping 0",
    "/linux/uidMappings/3: found size 0, wanted at least 1",
  ]);
  assert.equal(messages(mapped([range(0, 4_294_967_290, 6)], OWN)), [
    "/linux/uidMappings/0: found a range up to hostID 4294967295, wanted at most 4294967294",
  ]);
});

test("ids of the process that are not mapped are refused, each where it stands", () => {
  const process = {
    args: ["a"],
    cwd: "/",
    user: { uid: 5, gid: 6, additionalGids: [0, 7] },
  };
  assert.equal(messages({ ...mapped([range(0, 1000, 1)]), process }), [
    "/process/user/uid: the uid 5 is not mapped in the container's user namespace",
    "/process/user/gid: the gid 6 is not mapped in the container's user namespace",
    "/process/user/additionalGids/1: the gid 7 is not mapped in the container's user namespace",
  ]);
});

const WAYS: readonly [string, HostFacts, Config, object][] = [
  [
    "root writes any map",
    hybridRoot,
    mapped(RANGES),
    { uidHelper: null, gidHelper: null, denySetgroups: false },
  ],
  [
    "a user writes the own id, and may not set groups then",
    v2Rootless,
    mapped(OWN),
    { uidHelper: null, gidHelper: null, denySetgroups: true },
  ],
  [
    "a user leaves ranges to the helpers",
    v2Rootless,
    mapped(RANGES),
    { uidHelper: "/usr/bin/newuidmap", gidHelper: "/usr/bin/newgidmap", denySetgroups: false },
  ],
];
for (const [name, facts, config, wanted] of WAYS) {
  test(name, () => {
    const { args } = mapIdsOf("init", config, { facts, container: demo });
    assert.equal({ ...args, ...wanted }, args);
  });
}

test("a user without the helpers is told what to install", () => {
  const container = { ...demo, idMappers: { newuidmap: null, newgidmap: null } };
  const [first] = messages(mapped(RANGES), v2Rootless, container);
  assert.match(first ?? "", /\/linux\/uidMappings: .* newuidmap .* not in \$PATH/);
  assert.equal(messages(mapped(OWN), v2Rootless, container), []);
});

test("additional groups are refused where setgroups(2) is denied", () => {
  const process = { args: ["a"], cwd: "/", user: { uid: 0, gid: 0, additionalGids: [0] } };
  const config = { ...mapped(OWN), process };
  assert.ok(deniesSetgroups(config, v2Rootless));
  assert.equal(messages(config, v2Rootless), [
    "/process/user/additionalGids: an ordinary user who maps one group alone cannot set additional groups",
  ]);
});

test.run();
