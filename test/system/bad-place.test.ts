// Places and limits that are too small: a full or read-only disk under the state root, few
// descriptors, few processes. Creating fails with a clear error, and nothing stays.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle } from "../support/bundle.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { type Outcome, type RuntOptions, runt } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

/** A state root on a tmpfs of its own. */
async function withTmpfs(options: string, use: (root: string) => Promise<void>): Promise<void> {
  const directory = freshDirectory();
  const { exitCode, stderr } = Bun.spawnSync([
    ...["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory],
  ]);
  assert.is(exitCode, 0, stderr.toString());
  try {
    await use(directory);
  } finally {
    Bun.spawnSync(["umount", "--lazy", directory]);
  }
}

/** Tries to create; a container that could be made all the same is deleted. */
async function attempt(options: RuntOptions): Promise<Outcome> {
  const id = freshName();
  const outcome = await runt(["create", "--bundle", bundle(), id], { limitMs: 10_000, ...options });
  const { code, stderr } = await runt(["delete", "--force", id], {
    ...(options.root !== undefined && { root: options.root }),
  });
  assert.is(code, 0, stderr);
  return outcome;
}

function failed(outcome: Outcome, pattern: RegExp): void {
  assert.is(outcome.code, 1, outcome.stderr);
  assert.match(outcome.stderr, pattern);
  assert.not.match(outcome.stderr, /\$bunfs|TypeError|\bat .*\(.*:\d+:\d+\)/);
}

test("a full disk under the root is an error, at whichever file it is met", async () => {
  for (const options of ["size=4k", "size=8k", "size=12k", "size=64k,nr_inodes=2"]) {
    await withTmpfs(options, async (root) => {
      const outcome = await attempt({ root });
      if (outcome.code !== 0) failed(outcome, /no space left on device/i);
    });
  }
  await withTmpfs("nr_inodes=1", async (root) => {
    failed(await attempt({ root }), /no space left on device/i);
  });
});

test("every number of free inodes gives a container or a clear error", async () => {
  if (foreignRuntime) return;
  for (const inodes of [1, 2, 3, 4, 5, 6, 7, 8]) {
    await withTmpfs(`nr_inodes=${inodes}`, async (root) => {
      const outcome = await attempt({ root });
      if (outcome.code !== 0) failed(outcome, /no space left on device/i);
    });
  }
});

test("a read-only disk under the root is an error", async () => {
  await withTmpfs("size=1m", async (root) => {
    mkdirSync(join(root, "below"));
    Bun.spawnSync(["mount", "-o", "remount,ro", root]);
    for (const place of [root, join(root, "below"), join(root, "new")]) {
      const id = freshName();
      const outcome = await runt(["create", "--bundle", bundle(), id], { root: place });
      failed(outcome, /read-only file system/i);
    }
  });
});

test("too few descriptors are an error, at whichever of them it is met", async () => {
  if (foreignRuntime) return;
  let enough = false;
  for (const count of [12, 14, 16, 18, 20, 24, 28, 32, 40, 64]) {
    const through = ["prlimit", `--nofile=${count}:${count}`];
    const { code, stderr } = await attempt({ through });
    enough = code === 0;
    if (!enough) assert.match(stderr, /too many open files/i, `${count} descriptors`);
  }
  assert.ok(enough, "64 descriptors are enough");
});

test("too few processes are an error", async () => {
  if (foreignRuntime || !existsSync("/sys/fs/cgroup/pids")) return;
  // RLIMIT_NPROC does not bind root; a cgroup in which nothing may be forked does.
  const cgroup = `/sys/fs/cgroup/pids/${freshName()}`;
  mkdirSync(cgroup);
  try {
    await Bun.write(join(cgroup, "pids.max"), "1");
    const through = ["sh", "-c", `echo $$ > ${cgroup}/cgroup.procs; exec "$@"`, "sh"];
    const { code, stderr } = await attempt({ through });
    assert.ok(code > 0);
    assert.match(stderr, /resource temporarily unavailable|cannot fork/i);
  } finally {
    await waitUntil("end of the cgroup", () => Bun.spawnSync(["rmdir", cgroup]).exitCode === 0);
  }
});

test("little memory for the runtime itself is an error or enough, not a hang", async () => {
  if (foreignRuntime) return;
  for (const megabytes of [50, 200, 1000]) {
    const through = ["prlimit", `--as=${megabytes * 1_000_000}`];
    const { code } = await attempt({ through });
    assert.ok(code === 0 || code > 0);
  }
});

runTests();
