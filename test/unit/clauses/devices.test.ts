import { test } from "uvu";
import * as assert from "uvu/assert";
import { devices } from "../../../runtime/clauses/devices.ts";
import type { Device } from "../../../runtime/config/types.gen.ts";
import { configOf, lines, pointers, reasons } from "../../support/clause.ts";

const made = (...list: Device[]) => devices(configOf({ linux: { devices: list } }));

test("every container has the devices and links of the specification", () => {
  const paths = lines(devices(configOf({})).make).map((line) => line.split(" ")[2]);
  assert.equal(
    paths,
    "null zero full random urandom tty fd stdin stdout stderr ptmx"
      .split(" ")
      .map((name) => `/dev/${name}`),
  );
});

test("a listed device stands in for the default one of its path", () => {
  const { make, problems } = made({ path: "/dev/null", type: "c", major: 10, minor: 1, uid: 7 });
  const ofNull = make.filter(({ op }) => op.print().startsWith("/dev/null "));
  assert.equal(reasons(ofNull), ["/linux/devices/0"]);
  assert.equal(ofNull[0]?.op.args, {
    path: "/dev/null",
    type: "c",
    major: 10,
    minor: 1,
    fileMode: 0o666,
    uid: 7,
    gid: 0,
  });
  assert.equal(problems, []);
});

test("nothing is made in a /dev of the host's but what is listed", () => {
  for (const destination of ["/dev", "dev", "/dev/"]) {
    const mounts = [{ destination, source: "/dev", options: ["rbind"] }];
    assert.equal(devices(configOf({ mounts })).make, []);
  }
  const tmpfs = [{ destination: "/dev", type: "tmpfs", source: "tmpfs" }];
  assert.is.not(devices(configOf({ mounts: tmpfs })).make.length, 0);
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

test.run();
