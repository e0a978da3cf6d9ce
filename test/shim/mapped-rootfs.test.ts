// Root filesystems whose ids are mapped: what a snapshotter asks for where a container has a user
// namespace.

import { chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inUserNamespace, script } from "../support/bundle.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";

const events = receiveEvents();
const owner = 100_000;
const mapping = `0:${owner}:65536`;
const maps = [`uidmap=${mapping}`, `gidmap=${mapping}`];
const capabilities = ["CAP_CHOWN"];
const patch = {
  linux: inUserNamespace,
  root: { path: "rootfs" },
  process: {
    ...script("stat -c '%u %g' /lower /bin/busybox; echo new > /new; chown 5:6 /new /lower"),
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
  },
};

test("layers are mapped and stay as they are, and what is new has the container's ids", async () => {
  const lower = newRootfs();
  writeFileSync(join(lower, "lower"), "");
  chownSync(join(lower, "lower"), 7, 8);
  const hidden = freshDirectory();
  const [upper, work] = [freshDirectory(), freshDirectory()];
  chownSync(upper, owner, owner);
  const layers = [lower, hidden].join(":");
  const options = ["index=off", ...maps, `workdir=${work}`, `upperdir=${upper}`];
  await runs({ type: "overlay", source: "overlay", options: [...options, `lowerdir=${layers}`] });
  assert.equal(ids(join(lower, "lower")), [7, 8]);
  assert.equal(ids(join(upper, "new")), [owner + 5, owner + 6]);
  assert.equal(ids(join(upper, "lower")), [owner + 5, owner + 6]);
});

test("a tree is mapped, and what is new in it belongs to the host's ids", async () => {
  const source = newRootfs();
  writeFileSync(join(source, "lower"), "");
  chownSync(join(source, "lower"), 7, 8);
  await runs({ type: "bind", source, options: ["rbind", "rw", ...maps] });
  assert.equal(ids(join(source, "new")), [5, 6]);
});

test("a mapping that cannot be read is named, and nothing stays mounted", async () => {
  await withShim({ patch }, async ({ bundle, create }) => {
    const options = ["rbind", "uidmap=0:many:1"];
    const error = await create({
      rootfs: [{ type: "bind", source: newRootfs(), target: "", options }],
    }).catch(String);
    assert.match(`${error}`, /"0:many:1" is not a mapping of ids/);
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), bundle);
  });
});

interface Mount {
  type: string;
  source: string;
  options: string[];
}

/** Runs the script on a root filesystem. */
async function runs(mount: Mount): Promise<void> {
  const streams = clientStreams();
  await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
    await create({ ...streams.names, rootfs: [{ ...mount, target: "" }] });
    const ending = tasks.wait({ id });
    await tasks.start({ id });
    const { exitStatus } = await ending;
    const [{ stdout }, { stdout: errors }] = [
      await streams.stdout.ended,
      await streams.stderr.ended,
    ];
    assert.equal([exitStatus, stdout, errors], [0, "7 8\n0 0\n", ""]);
    await tasks.delete({ id });
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), bundle);
  });
}

function ids(path: string): number[] {
  const { uid, gid } = statSync(path);
  return [uid, gid];
}

runTests({ atEnd: async () => events.stop() });
