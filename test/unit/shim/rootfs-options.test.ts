import { test } from "uvu";
import * as assert from "uvu/assert";
import { rootfsOptions } from "../../../shim/rootfs-options.ts";

test("mappings of ids and loop devices are taken out of the filesystem's own options", () => {
  const options = ["index=off", "uidmap=0:1:2,5:6:7", "gidmap=0:3:4", "volatile", "ro"];
  const { data, ids, loop } = rootfsOptions({ type: "overlay", options });
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
    const { data, loop } = rootfsOptions({ type: "ext4", options });
    return { data, loop };
  };
  assert.equal(of("loop", "ro"), { data: [], loop: { direct: false } });
  assert.equal(of("direct-io", "loop"), { data: [], loop: { direct: true } });
  assert.equal(of("direct-io"), { data: ["direct-io"], loop: undefined });
});

const refused: [type: string, options: string[], RegExp][] = [
  ["fuse.sshfs", [], /type fuse.sshfs is mounted by mount.fuse, which the shim does not run/],
  ["fuse3.fuse-overlayfs", [], /mounted by mount.fuse3,/],
  ["overlay", ["X-containerd.mkdir.path=/x"], /X-containerd.mkdir.path=\/x is containerd's own/],
  ["bind", ["remount", "ro"], /takes none of remount/],
  ["bind", ["rbind", "idmap"], /takes none of .*idmap/],
  ["tmpfs", ["tmpcopyup"], /takes none of .*tmpcopyup/],
  ["bind", ["uidmap=0:1:2"], /found one of uidmap and gidmap, wanted both or neither/],
  ["bind", ["uidmap=0:many:1", "gidmap=0:1:1"], /"0:many:1" is not a mapping of ids/],
];

for (const [type, options, message] of refused) {
  test(`type ${type} with ${options.join() || "no options"} is refused`, () => {
    assert.throws(() => rootfsOptions({ type, options }), message);
  });
}

test.run();
