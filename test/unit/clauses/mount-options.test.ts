import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  mountOptionNames,
  mountOptions,
  superblockOf,
} from "../../../runtime/clauses/mount-options.ts";
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_RDONLY,
  MS_SLAVE,
  MS_SYNCHRONOUS,
} from "../../../runtime/sys/mount.ts";
import { shows } from "../../support/shows.ts";

test("every option that features lists is acted on and is not the filesystem's", () => {
  for (const option of mountOptionNames()) {
    assert.equal(mountOptions([option]).data, [], option);
  }
  shows("mount-option.idmap.no-data", "mount-option.ridmap.no-data");
});

test("of options that contradict each other the last one wins", () => {
  const attributesOf = (...options: string[]) => mountOptions(options).attributes;
  assert.equal(attributesOf("ro", "rw"), { set: 0, clear: MOUNT_ATTR_RDONLY });
  assert.equal(attributesOf("rw", "ro"), { set: MOUNT_ATTR_RDONLY, clear: 0 });
  assert.equal(attributesOf("nosuid", "suid", "nosuid").set, MOUNT_ATTR_NOSUID);
  assert.is(mountOptions(["sync", "async"]).superblock, 0);
  assert.is(mountOptions(["async", "sync"]).superblock, MS_SYNCHRONOUS);
});

test("a mode of access time replaces the one before", () => {
  const { set } = mountOptions(["noatime", "strictatime"]).attributes;
  assert.is(set & MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME);
  assert.is(mountOptions(["strictatime", "relatime"]).attributes.set & MOUNT_ATTR__ATIME, 0);
});

test("the kernel takes an access time only if the others are cleared", () => {
  const { set, clear } = mountOptions(["noatime"]).attributes;
  assert.is(set, MOUNT_ATTR_NOATIME);
  assert.is(clear & MOUNT_ATTR__ATIME & ~set, MOUNT_ATTR__ATIME & ~MOUNT_ATTR_NOATIME);
});

test("propagation and recursive attributes are adjustments, in their order", () => {
  const { adjustments, attributes } = mountOptions(["rslave", "rro", "private"]);
  assert.equal(attributes, { set: 0, clear: 0 });
  assert.equal(
    adjustments.map(({ propagation, set, recursive }) => [propagation, set, recursive]),
    [
      [MS_SLAVE, 0, true],
      [0, MOUNT_ATTR_RDONLY, true],
      [MS_PRIVATE, 0, false],
    ],
  );
});

test("a bind is recursive if any option says so", () => {
  assert.is(mountOptions(["bind"]).bind, "single");
  assert.is(mountOptions(["rbind", "bind"]).bind, "recursive");
  assert.is(mountOptions(["bind", "rbind"]).bind, "recursive");
  assert.is(mountOptions(["ro"]).bind, undefined);
});

test("what nobody knows is the filesystem's, in its order, without empty ones", () => {
  assert.equal(mountOptions(["size=1m", "", "nosuid", "lowerdir=/a"]).data, [
    "size=1m",
    "lowerdir=/a",
  ]);
  assert.equal(mountOptions(["rrsync", "rremount"]).data, ["rrsync", "rremount"]);
});

test("only a superblock of its own becomes read-only with the mount", () => {
  const options = mountOptions(["ro"]);
  assert.is(superblockOf("ext4", options), MS_RDONLY);
  assert.is(superblockOf("proc", options), 0);
});

test("names that every object has are options of the filesystem like any other", () => {
  const names = ["__proto__", "constructor", "toString", "rconstructor"];
  assert.equal(mountOptions(names).data, names);
});

test.run();
