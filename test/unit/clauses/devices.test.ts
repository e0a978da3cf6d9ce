import { test } from "uvu";
import * as assert from "uvu/assert";
import { devices } from "../../../runtime/clauses/devices.ts";
import type { Device, Namespace } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines, pointers, reasons } from "../../support/clause.ts";

const made = (...list: Device[]) => devices(configOf({ linux: { devices: list } }), hybridRoot);

const user: Namespace[] = [{ type: "mount" }, { type: "user" }];

test("every container has the devices and links of the specification", () => {
  const { open, make } = devices(configOf({}), hybridRoot);
  const paths = lines(make).map((line) => line.split(" ")[2]);
  assert.equal(
    paths,
    "null zero full random urandom tty fd stdin stdout stderr ptmx"
      .split(" ")
      .map((name) => `/dev/${name}`),
  );
  assert.equal(open, []);
});

test("links of /dev depend on what they point to, /dev/ptmx does not", () => {
  const links = lines(devices(configOf({}), hybridRoot).make).filter((line) => /link/.test(line));
  assert.equal(
    links.map((line) => line.endsWith("if it is there")),
    [true, true, true, true, false],
  );
});

test("a listed device stands in for the default one of its path", () => {
  const { make, problems } = made({ path: "/dev/null", type: "c", major: 10, minor: 1, uid: 7 });
  const ofNull = make.filter(({ op }) => op.print().startsWith("/dev/null "));
  assert.equal(reasons(ofNull), ["/linux/devices/0"]);
  assert.equal(ofNull[0]?.op.args, { path: "/dev/null", type: "c", major: 10, minor: 1, uid: 7 });
  assert.equal(problems, []);
});

test("nothing is made in a /dev of the host's but what is listed", () => {
  for (const destination of ["/dev", "dev", "/dev/"]) {
    const mounts = [{ destination, source: "/dev", options: ["rbind"] }];
    assert.equal(devices(configOf({ mounts }), hybridRoot).make, []);
  }
  const tmpfs = [{ destination: "/dev", type: "tmpfs", source: "tmpfs" }];
  assert.is.not(devices(configOf({ mounts: tmpfs }), hybridRoot).make.length, 0);
});

test("a device needs its numbers, a fifo needs none", () => {
  assert.equal(pointers(made({ path: "/dev/x", type: "c" }).problems), [
    "/linux/devices/0/major",
    "/linux/devices/0/minor",
  ]);
  assert.equal(pointers(made({ path: "/dev/x", type: "b", major: 8, minor: -1 }).problems), [
    "/linux/devices/0/minor",
  ]);
  assert.equal(made({ path: "/fifo", type: "p" }).problems, []);
});

test("in a user namespace the host lends its nodes, and fifos are made", () => {
  const list: Device[] = [
    { path: "/dev/fuse", type: "c", major: 10, minor: 229, uid: 7, fileMode: 0o600 },
    { path: "/fifo", type: "p", uid: 7 },
  ];
  for (const path of [undefined, "/proc/1/ns/user"]) {
    const namespaces: Namespace[] = [{ type: "user", ...(path !== undefined && { path }) }];
    const { open, make } = devices(configOf({ linux: { namespaces, devices: list } }), hybridRoot);
    assert.is(open.length, 7);
    assert.equal(lines(open).slice(-1), ["host node.open /dev/fuse (c 10:229) →$device6"]);
    assert.equal(lines(make).slice(5, 8), [
      "init node.mount $device5 on /dev/tty (c 5:0)",
      "init node.mount $device6 on /dev/fuse (c 10:229)",
      "init node.make /fifo (p)",
    ]);
    assert.equal(reasons(make).slice(6, 8), ["/linux/devices/0", "/linux/devices/1"]);
    assert.equal(make[7]?.op.args, { path: "/fifo", type: "p", major: 0, minor: 0, uid: 7 });
  }
});

test("init opens the host's nodes where the caller has no right to", () => {
  const { open, make } = devices(configOf({ linux: { namespaces: user } }), v2Rootless);
  assert.is(lines(open)[0], "init node.open /dev/null (c 1:3) →$device0");
  assert.is(lines(make)[0], "init node.mount $device0 on /dev/null (c 1:3)");
});

test("a root that may make no devices is lent the host's", () => {
  const within = { ...hybridRoot, userNamespace: true };
  const without = {
    ...hybridRoot,
    capabilities: hybridRoot.capabilities.filter((name) => name !== "CAP_MKNOD"),
  };
  for (const facts of [within, without]) {
    assert.is(devices(configOf({}), facts).open.length, 6);
  }
});

test.run();
