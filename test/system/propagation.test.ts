// Which mounts travel between host and container, by the propagation of the mount that they are
// below (mount_namespaces(7)).

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { type Container, withContainer, withScript } from "../support/container.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const mayMount = ["CAP_SYS_ADMIN", "CAP_KILL"];
const privileged: Patch = {
  capabilities: { bounding: mayMount, effective: mayMount, permitted: mayMount },
};

/** A shared mount on the host with two folders in it. */
async function withShared(use: (source: string) => Promise<void>): Promise<void> {
  const source = freshDirectory();
  host("mount", "-t", "tmpfs", "shared-of-the-test", source);
  try {
    host("mount", "--make-shared", source);
    for (const name of ["outside", "inside"]) mkdirSync(join(source, name));
    await use(source);
  } finally {
    Bun.spawnSync(["umount", "--lazy", "--recursive", source]);
  }
}

function host(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

/**
 * Mounts something below the volume on each side.
 *
 * @returns whether the host sees the container's mount, and the container the host's
 */
async function exchanged(option: string, source: string): Promise<[boolean, boolean]> {
  const volume: Json = { destination: "/volume", source, options: ["rbind", option] };
  // The loops do not block init, which would keep the test from ending.
  const text = `
mount -t tmpfs from-container /volume/inside && echo mounted
while ! [ -e /volume/go ]; do sleep 0.01; done
grep -q from-host /proc/self/mountinfo && echo seen
echo done
sleep 100`;
  const patch = {
    root: { path: newRootfs() },
    mounts: [...defaultMounts, volume],
    process: privileged,
    // As callers do: otherwise the root's own propagation cuts the way to the host.
    linux: option === "rshared" ? { rootfsPropagation: "rshared" } : {},
  };
  let result: [boolean, boolean] = [false, false];
  const use = async ({ create, does }: Container): Promise<void> => {
    await does("start");
    await waitUntil("mount inside", () => create.stdout().includes("mounted"));
    const isSeenOutside = readFileSync("/proc/self/mountinfo", "utf8").includes("from-container");
    host("mount", "-t", "tmpfs", "from-host", join(source, "outside"));
    await Bun.write(join(source, "go"), "");
    await waitUntil("look inside", () => create.stdout().includes("done"));
    result = [isSeenOutside, create.stdout().includes("seen")];
  };
  await withContainer(withScript(text, patch), use);
  return result;
}

test("mounts below an rshared bind mount travel both ways", async () => {
  await withShared(async (source) => {
    assert.equal(await exchanged("rshared", source), [true, true]);
  });
});

test("mounts below an rslave bind mount travel from the host only", async () => {
  await withShared(async (source) => {
    assert.equal(await exchanged("rslave", source), [false, true]);
  });
});

test("mounts below an rprivate bind mount stay where they are made", async () => {
  await withShared(async (source) => {
    assert.equal(await exchanged("rprivate", source), [false, false]);
  });
});

test("a container's own mounts stay in it, whatever the propagation of its root", async () => {
  for (const rootfsPropagation of ["shared", "rshared", "slave", "private"]) {
    const patch = { process: privileged, linux: { rootfsPropagation } };
    const text = "mount -t tmpfs from-container /tmp && echo mounted; sleep 100";
    const use = async ({ create, does }: Container): Promise<void> => {
      await does("start");
      await waitUntil("mount inside", () => create.stdout().includes("mounted"));
      assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), "from-container");
    };
    await withContainer(withScript(text, { root: { path: newRootfs() }, ...patch }), use);
  }
});

runTests();
