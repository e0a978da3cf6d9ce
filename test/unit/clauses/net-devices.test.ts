import { test } from "uvu";
import * as assert from "uvu/assert";
import { netDevices } from "../../../runtime/clauses/net-devices.ts";
import type { Namespace, NetDevice } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines, pointers, reasons } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const network: Namespace[] = [{ type: "network" }];

const configWith = (devices: Record<string, NetDevice>, namespaces = network) =>
  configOf({ linux: { namespaces, netDevices: devices } });

const compiled = (devices: Record<string, NetDevice>, namespaces = network) =>
  netDevices(configWith(devices, namespaces), hybridRoot, demo);

test("the host moves each device, gives it its addresses and sets it up", () => {
  const { steps, problems } = compiled({ eth1: { name: "eth0" }, eth2: {}, eth3: { name: "e%d" } });
  assert.equal(problems, []);
  assert.equal(lines(steps), [
    "host netlink.open of $init →$netlink",
    "host net-device.move eth1 to $init as eth0",
    "host net-device.address those of eth1",
    "host net-device.up eth1",
    "host net-device.move eth2 to $init as eth2",
    "host net-device.address those of eth2",
    "host net-device.up eth2",
    "host net-device.move eth3 to $init as e%d",
    "host net-device.address those of eth3",
    "host net-device.up eth3",
  ]);
  assert.equal(reasons(steps).slice(0, 2), ["/linux/netDevices", "/linux/netDevices/eth1"]);
});

test("without devices there is nothing to do, wherever the container is", () => {
  assert.equal(compiled({}, []), { steps: [], problems: [] });
});

test("devices need a network namespace that is not the caller's", () => {
  assert.equal(pointers(compiled({ eth1: {} }, [{ type: "mount" }]).problems), [
    "/linux/netDevices",
  ]);
  const joined: Namespace[] = [{ type: "network", path: "/run/netns/a" }];
  assert.equal(compiled({ eth1: {} }, joined).problems, []);
  const caller = { ...demo, callerNamespaces: ["network"] };
  const [problem] = netDevices(configWith({ eth1: {} }, joined), hybridRoot, caller).problems;
  assert.match(problem?.message ?? "", "joins");
});

test("devices need a caller who may move them", () => {
  const { problems } = netDevices(configWith({ eth1: {} }), v2Rootless, demo);
  assert.equal(pointers(problems), ["/linux/netDevices"]);
  assert.match(problems[0]?.message ?? "", "CAP_NET_ADMIN and CAP_SYS_ADMIN");
});

const wrongNames: [devices: Record<string, NetDevice>, pointer: string, text: string][] = [
  [{ eth1: { name: "éééééééé" } }, "/linux/netDevices/eth1/name", "16 bytes"],
  [{ éééééééé: {} }, "/linux/netDevices/éééééééé", "16 bytes"],
  [{ éééééééé: { name: "eth0" } }, "/linux/netDevices/éééééééé", "16 bytes"],
  [{ eth1: { name: "e%" } }, "/linux/netDevices/eth1/name", "one %d"],
  [{ eth1: { name: "e%s" } }, "/linux/netDevices/eth1/name", "one %d"],
  [{ eth1: { name: "%de%d" } }, "/linux/netDevices/eth1/name", "one %d"],
  [{ eth1: { name: "e" }, eth2: { name: "e" } }, "/linux/netDevices/eth2/name", "again"],
  [{ eth1: {}, eth2: { name: "eth1" } }, "/linux/netDevices/eth2/name", "again"],
  [{ eth1: { name: "eth2" }, eth2: {} }, "/linux/netDevices/eth2", "again"],
];

test("names that the kernel would not take, or that are taken twice, are refused", () => {
  for (const [devices, pointer, text] of wrongNames) {
    const { problems } = compiled(devices);
    assert.equal(pointers(problems), [pointer]);
    assert.match(problems[0]?.message ?? "", text);
  }
});

test("names may be swapped, and a template may be used twice", () => {
  const swapped = { eth1: { name: "eth2" }, eth2: { name: "eth1" } };
  const template = { eth1: { name: "e%d" }, eth2: { name: "e%d" } };
  assert.equal([...compiled(swapped).problems, ...compiled(template).problems], []);
});

test.run();
