import { test } from "uvu";
import * as assert from "uvu/assert";
import { rootfsMounts } from "../../../shim/rootfs-mount.ts";

test("mappings of ids and loop devices are taken out of the filesystem's own options", () => {
  const options = ["index=off", "uidmap=0:1:2,5:6:7", "gidmap=0:3:4", "volatile", "ro"];
  const { data, ids, loop } = read("overlay", options);
  assert.equal(data, ["index=off", "volatile"]);
  assert.equal(ids, {
    uidMappings: [
      { containerID: 0, hostID: 1, size: 2 },
      { containerID: 5, hostID: 6, size: 7 },
    ],
    gidMappings: [{ containerID: 0, hostID: 3, size: 4 }],
  });
  assert.is(loop, undefined);
});

test("direct-io is the loop device's, where there is one", () => {
  const of = (...options: string[]) => {
    const { data, loop } = read("ext4", options);
    return { data, loop };
  };
  assert.equal(of("loop", "ro"), { data: [], loop: { direct: false } });
  assert.equal(of("direct-io", "loop"), { data: [], loop: { direct: true } });
  assert.equal(of("direct-io"), { data: ["direct-io"], loop: undefined });
});

const refused: [type: string, options: string[], RegExp][] = [
  ["fuse.sshfs", [], /^fuse.sshfs x \(mount 1 of 1\) on \/: the type needs mount.fuse, which/],
  ["fuse3.fuse-overlayfs", [], /needs mount.fuse3, which the shim does not run/],
  ["overlay", ["X-containerd.mkdir.path=/x"], /X-containerd.mkdir.path=\/x is containerd's own/],
  ["bind", ["remount", "ro"], /takes none of remount/],
  ["bind", ["rbind", "idmap"], /takes none of .*idmap/],
  ["tmpfs", ["tmpcopyup"], /takes none of .*tmpcopyup/],
  ["bind", ["uidmap=0:1:2"], /found one of uidmap and gidmap, wanted both or neither/],
  ["bind", ["uidmap=0:many:1", "gidmap=0:1:1"], /"0:many:1" is not a mapping of ids/],
];

for (const [type, options, message] of refused) {
  test(`type ${type} with ${options.join() || "no options"} is refused`, () => {
    assert.throws(() => read(type, options), message);
  });
}

test("a mount is named by all that is asked of it, where that is not too long", () => {
  const given = ["lowerdir=a", `upperdir=${"b".repeat(300)}`].map((option) => ({
    type: "overlay",
    source: "",
    target: option.length > 20 ? "/sub" : "",
    options: [option],
  }));
  assert.equal(
    rootfsMounts(given).map(({ name }) => name),
    [
      "overlay lowerdir=a (mount 1 of 2) on /",
      `overlay upperdir=${"b".repeat(191)}… (mount 2 of 2) on /sub`,
    ],
  );
});

function read(type: string, options: string[]) {
  const [mount] = rootfsMounts([{ type, source: "x", target: "", options }]);
  assert.ok(mount);
  return mount;
}

test.run();
