// Root filesystems that are images in files, mounted by loop devices.

import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inUserNamespace, type Patch, script } from "../support/bundle.ts";
import { mountAt } from "../support/mountinfo.ts";
import { isRunning } from "../support/process.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();
const patch = { root: { path: "rootfs" } };
const maps = ["uidmap=0:100000:65536", "gidmap=0:100000:65536"];
const hasLoop = existsSync("/dev/loop-control");
const loopTest = hasLoop ? test : (name: string) => skip(name, "there are no loop devices here");

loopTest("several at once have a device each, write to it, and leave it free", async () => {
  const images = Array.from({ length: 4 }, newImage);
  await Promise.all(images.map((image) => shows(image, ["loop"], "echo new > /new; cat /new")));
  for (const image of images) {
    const shown = await shows(image, ["ro", "loop", "direct-io"], "cat /new; touch /x || echo no");
    assert.match(shown, /^new\n(.*\n)?no\n$/);
    await isFree(image);
  }
});

loopTest("a device is as read-only as its mount", async () => {
  const image = newImage();
  await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
    await create({
      rootfs: [{ type: "ext4", source: image, target: "", options: ["loop", "ro"] }],
    });
    const { source } = mountAt(readFileSync("/proc/self/mountinfo", "utf8"), `${bundle}/rootfs`);
    assert.is(readFileSync(`/sys/block/${source.replace("/dev/", "")}/ro`, "utf8"), "1\n");
    await tasks.delete({ id });
  });
  await isFree(image);
});

loopTest("the ids of an image are mapped", async () => {
  const image = newImage();
  const options = ["loop", ...maps];
  const shown = await shows(image, options, "stat -c %u:%g /etc; mkdir /new && echo made", {
    ...patch,
    linux: inUserNamespace,
  });
  assert.is(shown, "0:0\nmade\n");
  await isFree(image);
});

loopTest("a device is free when its mount, the next one or the container fails", async () => {
  const [image, text] = [newImage(), join(freshDirectory(), "text")];
  writeFileSync(text, "no image".repeat(1000));
  const of = (source: string) => ({ type: "ext4", source, target: "", options: ["loop"] });
  const next = { type: "bind", source: "/not/there", target: "/etc", options: ["bind"] };
  for (const [rootfs, args, message] of [
    [[of(text)], ["/bin/true"], /ext4 \/.*text loop \(mount 1 of 1\).*EINVAL/],
    [[of(image), next], ["/bin/true"], /mount 2 of 2/],
    [[of(image)], ["/not/there"], /not\/there/],
    [[of("/not/there")], ["/bin/true"], /openat\("\/not\/there".*ENOENT/],
  ] as const) {
    await withShim({ patch: { ...patch, process: { args: [...args] } } }, async ({ create }) => {
      const error = await create({ rootfs: [...rootfs] }).catch(String);
      assert.match(`${error}`, message);
    });
  }
  for (const file of [image, text]) await isFree(file);
});

loopTest("a worker that is killed at any moment leaves no mount and no device", async () => {
  const image = newImage();
  const options = ["loop", ...maps];
  const rootfs = [
    { type: "ext4", source: image, target: "", options },
    { type: "tmpfs", source: "", target: "/tmp", options: [] },
  ];
  await withShim({ patch: { ...patch, linux: inUserNamespace } }, async (shim) => {
    const { id, pid, bundle, tasks, create } = shim;
    for (let round = 0; round < 10; round++) {
      await waitUntil("no worker", () => childrenOf(pid).length === 0);
      const made = create({ rootfs }).catch(String);
      const worker = await waitUntil("a worker", () => childrenOf(pid)[0]);
      await Bun.sleep(round);
      killIfThere(worker);
      if (typeof (await made) !== "string") await tasks.delete({ id });
      assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), bundle);
      await isFree(image);
    }
  });
});

/** A filesystem of the usual programs, in a file. */
function newImage(): string {
  const image = join(room.directory, freshName());
  writeFileSync(image, "");
  truncateSync(image, 16 * 1024 * 1024);
  const made = Bun.spawnSync(["mke2fs", "-q", "-t", "ext4", "-d", newRootfs(), image]);
  assert.is(made.exitCode, 0, `${made.stderr}`);
  return image;
}

/** What a script prints on an image. */
async function shows(
  source: string,
  options: string[],
  text: string,
  given: Patch = patch,
): Promise<string> {
  const streams = clientStreams();
  let shown = "";
  await withShim({ patch: { ...given, process: script(text) } }, async ({ id, tasks, create }) => {
    await create({ ...streams.names, rootfs: [{ type: "ext4", source, target: "", options }] });
    const ending = tasks.wait({ id });
    await tasks.start({ id });
    await ending;
    shown = (await streams.stdout.ended).stdout;
    await streams.stderr.ended;
    await tasks.delete({ id });
  });
  return shown;
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** It may have ended, with what it had to do. */
function killIfThere(pid: number): void {
  if (isRunning(pid)) Bun.spawnSync(["kill", "-KILL", `${pid}`]);
}

/** The kernel lets go of a device some moments after its mount. */
async function isFree(image: string): Promise<void> {
  await waitUntil(`a free device for ${image}`, () => !backingFiles().includes(image));
}

function backingFiles(): string[] {
  return readdirSync("/sys/block").flatMap((name) => {
    const path = `/sys/block/${name}/loop/backing_file`;
    return existsSync(path) ? [readFileSync(path, "utf8").trimEnd()] : [];
  });
}

runTests({ atEnd: async () => events.stop() });
