// Overlays: many layers, and layers with long paths. The texts of the mount calls end at 255 and
// 4095 bytes.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { inside, run } from "../support/container.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runTests, test } from "../support/suite.ts";

interface Layers {
  lower: string[];
  upper: string;
  work: string;
}

/** Directories with a file each, and below each other's `name` a file that the first one decides. */
function layers(count: number, folder = "layer"): Layers {
  const base = freshDirectory();
  const lower = Array.from({ length: count }, (_, index) => {
    const path = join(base, `${index}`, folder);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, `file-${index}`), "");
    writeFileSync(join(path, "name"), `${index}\n`);
    return path;
  });
  const [upper, work] = [join(base, "upper"), join(base, "work")];
  for (const path of [upper, work]) mkdirSync(path);
  return { lower, upper, work };
}

function overlay({ lower, upper, work }: Layers, ...more: string[]): Patch {
  const escaped = lower.map((path) => path.replaceAll(/[\\:]/g, "\\$&"));
  const options = [
    `lowerdir=${escaped.join(":")}`,
    `upperdir=${upper}`,
    `workdir=${work}`,
    ...more,
  ];
  const mount: Json = { destination: "/merged", type: "overlay", source: "overlay", options };
  return { root: { path: newRootfs() }, mounts: [...defaultMounts, mount] };
}

const look = "ls /merged | grep -c file-; cat /merged/name; echo new > /merged/new";

async function shows(what: Layers): Promise<void> {
  const stdout = await inside(look, overlay(what, "nosuid"));
  assert.is(stdout, `${what.lower.length}\n0\n`);
  assert.is(readFileSync(join(what.upper, "new"), "utf8"), "new\n");
}

test("an overlay of a few layers is mounted with its options", async () => {
  const patch = overlay(layers(2), "nosuid", "noatime");
  const stdout = await inside(`${look}; grep ' /merged ' /proc/self/mountinfo`, patch);
  assert.match(stdout, /^2\n0\n.* \/merged rw,nosuid,noatime .* overlay overlay .*lowerdir=\//);
});

test("a layer with a path of 300 bytes is no trouble, nor are colons in it", async () => {
  await shows(layers(2, `${"a".repeat(200)}/${"b".repeat(100)}`));
  await shows(layers(2, "a:b"));
});

test("a hundred layers are, whatever the length of their paths", async () => {
  await shows(layers(100));
  await shows(layers(100, `${"a".repeat(200)}/${"b:".repeat(50)}`));
});

test("a missing layer is an error that names it", async () => {
  for (const count of [1, 100]) {
    const what = layers(count);
    what.lower.push(`${what.lower[0]}/missing`);
    const { code, stderr } = await run(overlay(what));
    assert.is(code, 1);
    assert.match(stderr, /\/mounts\/5.*missing.*no such file or directory/);
  }
});

test("options of another filesystem are not cut off where they are too long", async () => {
  const options = [`mpol=${"x".repeat(5000)}`];
  const mount = { destination: "/tmp", type: "tmpfs", source: "tmpfs", options };
  const { code, stderr } = await run({ mounts: [...defaultMounts, mount] });
  assert.is(code, 1);
  assert.match(stderr, /\/mounts\/5.*50\d\d bytes.*4095/);
});

runTests();
