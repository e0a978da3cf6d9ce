// Root filesystems that containerd leaves to the shim to mount.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { script } from "../support/bundle.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";

const events = receiveEvents();

test("an image of 100 layers, whose paths take more than a page, is mounted and unmounted", async () => {
  const parent = freshDirectory();
  const layers = Array.from({ length: 100 }, (_, index) => {
    const layer = join(parent, `${index}-${"layer".repeat(15)}`);
    mkdirSync(layer);
    writeFileSync(join(layer, `file-${index}`), "");
    return layer;
  });
  const [upper, work] = [freshDirectory(), freshDirectory()];
  const lower = [...layers, newRootfs()].join(":");
  const shown = await runs("ls / | grep -c ^file-; echo new > /new", {
    type: "overlay",
    source: "overlay",
    options: [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`],
  });
  assert.is(shown, "100\n");
  assert.is(readFileSync(join(upper, "new"), "utf8"), "new\n");
});

test("a tree is bound, read-only if that is asked for", async () => {
  const source = newRootfs();
  const shown = await runs("touch /new 2> /dev/null || echo refused", {
    type: "bind",
    source,
    options: ["rbind", "ro"],
  });
  assert.is(shown, "refused\n");
});

test("a layer that is missing is named, and nothing stays mounted", async () => {
  await withShim({}, async ({ bundle, create }) => {
    const options = ["lowerdir=/nowhere/at/all:/nor/here"];
    const rootfs = [{ type: "overlay", source: "overlay", target: "", options }];
    const error = await create({ rootfs }).catch(String);
    assert.match(`${error}`, "/nowhere/at/all");
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), bundle);
  });
});

interface Mount {
  type: string;
  source: string;
  options: string[];
}

/** Runs a script on a root filesystem; its output. */
async function runs(text: string, mount: Mount): Promise<string> {
  const patch = { root: { path: "rootfs" }, process: script(text) };
  const streams = clientStreams();
  let shown = "";
  await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
    await create({ ...streams.names, rootfs: [{ ...mount, target: "" }] });
    const ending = tasks.wait({ id });
    await tasks.start({ id });
    const { exitStatus } = await ending;
    shown = (await streams.stdout.ended).stdout;
    const { stdout: errors } = await streams.stderr.ended;
    assert.is(exitStatus, 0, errors);
    await tasks.delete({ id });
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), `${bundle}/rootfs`);
  });
  return shown;
}

runTests({ atEnd: async () => events.stop() });
