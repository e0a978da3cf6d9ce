import { test } from "uvu";
import * as assert from "uvu/assert";
import { mounts } from "../../../runtime/clauses/mounts.ts";
import type { Linux, Mount } from "../../../runtime/config/types.gen.ts";
import {
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_SLAVE,
} from "../../../runtime/sys/mount.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { configOf, lines, pointers, reasons } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

function compiled(list: Mount[], linux: Linux = {}) {
  return mounts(configOf({ mounts: list, linux }), hybridRoot, demo);
}

test("filesystems are mounted in the order listed", () => {
  const { open, mount, problems } = compiled([
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m"] },
  ]);
  assert.equal(lines(mount), [
    "init mount.filesystem proc on /proc",
    "init mount.filesystem tmpfs on /tmp (size=1m)",
  ]);
  assert.equal(reasons(mount), ["/mounts/0", "/mounts/1"]);
  assert.equal([open, problems], [[], []]);
});

const TREES: Mount[] = [
  { destination: "/a", source: "/srv/a", options: ["rbind"] },
  { destination: "/b", source: "data/b", options: ["bind"] },
];

test("a tree is opened at its turn, from the bundle where its source is relative", () => {
  const { open, mount } = compiled(TREES, { namespaces: [{ type: "mount" }] });
  assert.equal(open, []);
  assert.equal(lines(mount), [
    "init tree.open /srv/a →$tree0",
    "init mount.tree $tree0 on /a",
    "init tree.open /bundles/demo/data/b →$tree1",
    "init mount.tree $tree1 on /b",
  ]);
  assert.equal(
    mount.map(({ op }) => "recursive" in op.args && op.args.recursive),
    [true, false, false, false],
  );
  assert.equal(reasons(mount), ["/mounts/0/source", "/mounts/0", "/mounts/1/source", "/mounts/1"]);
});

test("a tree that init could not open as it is now is opened before the clone", () => {
  const opened = (namespaces: Linux["namespaces"], list = TREES) =>
    lines(compiled(list, { namespaces: namespaces ?? [] }).open);
  const both = ["host tree.open /srv/a →$tree0", "host tree.open /bundles/demo/data/b →$tree1"];
  assert.equal(opened([{ type: "mount", path: "/run/ns" }]), both);
  assert.equal(opened([{ type: "mount", path: "/run/ns" }, { type: "user" }]), both);
  for (const source of ["/", "/bundles", demo.rootfs, `${demo.rootfs}/data`]) {
    const list = [{ destination: "/host", source, options: ["rbind"] }];
    assert.equal(opened([{ type: "mount" }], list), [`host tree.open ${source} →$tree0`]);
  }
  const beside = [{ destination: "/a", source: `${demo.rootfs}-2`, options: ["bind"] }];
  assert.equal(opened([{ type: "mount" }], beside), []);
});

test("in a user namespace trees are opened where the kernel has locked what they forbid", () => {
  const namespaces: Linux["namespaces"] = [{ type: "mount" }, { type: "user" }];
  const { open, openInside, mount } = compiled(TREES, { namespaces });
  assert.equal(open, []);
  assert.equal(
    openInside.map((one) => ("op" in one ? lines([one])[0] : `${one.waits} waits`)),
    [
      "host tree.open-inside /srv/a →$tree0",
      "init waits",
      "init tree.take $tree0",
      "host tree.open-inside /bundles/demo/data/b →$tree1",
      "init waits",
      "init tree.take $tree1",
    ],
  );
  assert.equal(lines(mount), ["init mount.tree $tree0 on /a", "init mount.tree $tree1 on /b"]);
  const ordinary = { ...hybridRoot, uid: 1000, capabilities: [] };
  const own = mounts(configOf({ mounts: TREES, linux: { namespaces } }), ordinary, demo);
  assert.equal(own.openInside, []);
  assert.equal(
    own.open.map(({ who }) => who),
    ["init", "init"],
  );
});

test("a tree leaves the host's peer groups before its own options are applied", () => {
  const adjustments = (linux: Linux) => {
    const options = ["bind", "ro", "private"];
    const [step] = compiled([{ destination: "/a", source: "/a", options }], linux).mount;
    const found: unknown = step && "adjustments" in step.op.args && step.op.args.adjustments;
    assert.ok(Array.isArray(found));
    return found.map(({ propagation, set }) => [propagation, set]);
  };
  const own = [
    [0, MOUNT_ATTR_RDONLY],
    [MS_PRIVATE, 0],
  ];
  assert.equal(adjustments({}), [[MS_SLAVE, 0], ...own]);
  assert.equal(adjustments({ rootfsPropagation: "shared" }), own);
});

test("a /dev that is read-only becomes so after the devices are made", () => {
  const options = ["nosuid", "ro"];
  const { mount, close } = compiled([{ destination: "/dev", type: "tmpfs", options }]);
  const attributes = mount.map(({ op }) => "attributes" in op.args && op.args.attributes);
  assert.equal(attributes, [MOUNT_ATTR_NOSUID]);
  assert.equal(lines(close), ["init mount.attributes /dev (ro)"]);
});

test("a tmpfs with tmpcopyup is filled as it is made", () => {
  const options = ["tmpcopyup", "ro", "gid=5"];
  const { mount, close } = compiled([{ destination: "/data", type: "tmpfs", options }]);
  assert.equal(lines(mount), [
    "init mount.filesystem tmpfs on /data (gid=5) with a copy of what is there",
  ]);
  assert.equal(close, []);
  const dev = compiled([{ destination: "/dev", type: "tmpfs", options: ["ro", "rro"] }]);
  assert.equal(lines(dev.close), [
    "init mount.attributes /dev (ro)",
    "init mount.attributes /dev (rro)",
  ]);
});

test("a remount changes what is there and opens nothing", () => {
  const options = ["remount", "bind", "ro"];
  const { open, mount } = compiled([{ destination: "/a", source: "/a", options }]);
  assert.equal([open.length, lines(mount)], [0, ["init mount.remount /a"]]);
});

const wrong: [mount: Mount, pointer: string][] = [
  [{ destination: "/a" }, "/mounts/0"],
  [{ destination: "/a", options: ["bind"] }, "/mounts/0"],
  [{ destination: "/a", type: "ramfs", options: ["tmpcopyup"] }, "/mounts/0/options"],
  [{ destination: "/a", source: "/a", options: ["bind", "tmpcopyup"] }, "/mounts/0/options"],
  [{ destination: "/", type: "tmpfs" }, "/mounts/0/destination"],
  [{ destination: "a/.././..", source: "/a", options: ["bind"] }, "/mounts/0/destination"],
];

test("a remount of the root is none of its mounts", () => {
  const options = ["remount", "bind", "ro"];
  assert.equal(compiled([{ destination: "/", options }]).problems, []);
});

test("an owner that the user namespace does not map is refused with a hint", () => {
  const devpts: Mount = { destination: "/dev/pts", type: "devpts", options: ["uid=0", "gid=5"] };
  const linux = (size: number): Linux => {
    const mappings = [{ containerID: 0, hostID: 1000, size }];
    return { namespaces: [{ type: "user" }], uidMappings: mappings, gidMappings: mappings };
  };
  const { problems } = compiled([devpts], linux(1));
  assert.equal(pointers(problems), ["/mounts/0/options"]);
  assert.match(problems[0]?.hint ?? "", "leave gid=5 out");
  assert.equal(compiled([devpts], linux(10)).problems, []);
  assert.equal(compiled([devpts]).problems, []);
});

test("mounts that cannot be made as they are written are refused where they stand", () => {
  for (const [mount, pointer] of wrong) {
    assert.equal(pointers(compiled([mount]).problems), [pointer], JSON.stringify(mount));
  }
});

test.run();
