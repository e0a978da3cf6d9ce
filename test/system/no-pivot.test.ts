// --no-pivot: the root filesystem is moved over the old root, as a ramdisk wants it.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { bundle, defaultNamespaces, type Patch } from "../support/bundle.ts";
import { withScript } from "../support/container.ts";
import { freshName, room } from "../support/room.ts";
import { type Outcome, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const RANGE = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const inUserNamespace: Patch = {
  linux: {
    namespaces: [...defaultNamespaces, { type: "user" }],
    uidMappings: RANGE,
    gidMappings: RANGE,
  },
};

function unpivoted(patch: Patch): Promise<Outcome> {
  return runt(["run", "--no-pivot", "--bundle", bundle(patch), freshName()]);
}

for (const [where, patch] of [
  ["", {}],
  [" in a user namespace", inUserNamespace],
] as const) {
  test(`without a pivot the container sees its own root and procfs alone${where}`, async () => {
    const text = "ls -d /srv /etc/hostname; grep -c ' - proc ' /proc/self/mountinfo; ls -d ../..";
    const { stdout, stderr } = await unpivoted(withScript(text, patch));
    assert.not.match(stdout, /srv/);
    const trees = stdout.trim().split("\n").at(-2);
    assert.is(trees, "1", stderr);
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), room.directory);
  });
}

test("leaving by .. from a further chroot finds no more than the container's root", async () => {
  const text = "mkdir -p /tmp/x; chroot /tmp/x true 2> /dev/null; cd ../../../..; ls -d bin proc";
  const { stdout, code } = await unpivoted(withScript(text));
  assert.equal({ stdout, code }, { stdout: "bin\nproc\n", code: 0 });
});

runTests();
