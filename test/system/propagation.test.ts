// Which mounts travel between host and container, by the propagation of the mount that they are
// below (mount_namespaces(7)).

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { type Container, withContainer, withScript } from "../support/container.ts";
import { mountAt } from "../support/mountinfo.ts";
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

/** The root's own propagation, that of a mount in it, and whether a later mount of the host is seen. */
async function propagationOf(rootfsPropagation: string, rootfs: string): Promise<string[]> {
  const text = `
cat /proc/self/mountinfo; echo listed
while ! [ -e /go ]; do sleep 0.01; done
grep -q ' /late ' /proc/self/mountinfo && echo seen
echo done
sleep 100`;
  const patch = { root: { path: rootfs }, linux: { rootfsPropagation } };
  let words: string[] = [];
  const use = async ({ create, does }: Container): Promise<void> => {
    await does("start");
    await waitUntil("list", () => create.stdout().includes("listed"));
    const [listed = ""] = create.stdout().split("listed");
    const at = (target: string): string =>
      mountAt(listed, target).propagation.join(" ").replaceAll(/:\d+/g, "") || "private";
    host("mount", "-t", "tmpfs", "late", join(rootfs, "late"));
    await Bun.write(join(rootfs, "go"), "");
    await waitUntil("look inside", () => create.stdout().includes("done"));
    words = [at("/"), at("/dev"), create.stdout().includes("seen") ? "seen" : "unseen"];
  };
  try {
    await withContainer(withScript(text, patch), use);
  } finally {
    Bun.spawnSync(["umount", "--lazy", join(rootfs, "late")]);
    rmSync(join(rootfs, "go"), { force: true });
  }
  return words;
}

test("each propagation of the root is that of its mount, and with r of all mounts in it", async () => {
  const rows: [propagation: string, root: string, below: string, late: string][] = [
    ["slave", "master", "private", "seen"],
    ["rslave", "master", "private", "seen"],
    ["private", "private", "private", "unseen"],
    ["rprivate", "private", "private", "unseen"],
    ["shared", "shared", "private", "unseen"],
    ["rshared", "shared", "shared", "unseen"],
    ["unbindable", "unbindable", "private", "unseen"],
    ["runbindable", "unbindable", "unbindable", "unseen"],
  ];
  await withShared(async (source) => {
    const rootfs = join(source, "rootfs");
    host("cp", "-a", newRootfs(), rootfs);
    mkdirSync(join(rootfs, "late"));
    for (const [propagation, ...words] of rows) {
      assert.equal(await propagationOf(propagation, rootfs), words, propagation);
    }
  });
});

runTests();
