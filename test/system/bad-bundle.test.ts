// Bundles whose rootfs or program is not what the configuration says.

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { withContainer } from "../support/container.ts";
import { refusesBundle } from "../support/refusal.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

test("a rootfs that is missing, a file, or a dangling link is refused by its name", async () => {
  const directory = freshDirectory();
  writeFileSync(join(directory, "file"), "");
  symlinkSync("nowhere", join(directory, "dangling"));
  for (const name of ["missing", "file", "dangling"]) {
    await refusesBundle(bundle({ root: { path: join(directory, name) } }), new RegExp(name));
  }
  shows("config.root.path.directory");
});

test("an empty rootfs has no program, which fails create", async () => {
  await refusesBundle(bundle({ root: { path: freshDirectory() } }), /\/bin\/true/);
});

/** A rootfs with one odd file. */
function withFile(name: string, make: (path: string) => void): { root: { path: string } } {
  const rootfs = newRootfs();
  make(join(rootfs, name));
  return { root: { path: rootfs } };
}

function program(path: string): Patch {
  return { process: { args: [path] } };
}

test("a program that is missing fails create with the words that callers look for", async () => {
  const missing = await refusesBundle(bundle(program("/no/such")), /no such file or directory/i);
  assert.match(missing, /\/no\/such/);
  const stderr = await refusesBundle(bundle(program("nosuchname")), /executable file not found in/);
  assert.match(stderr, /nosuchname/);
});

test("a program that is not executable, or a directory, fails create", async () => {
  const plain = withFile("plain", (path) => writeFileSync(path, "x", { mode: 0o644 }));
  await refusesBundle(bundle({ ...plain, ...program("/plain") }), /permission denied/i);
  const directory = withFile("directory", (path) => mkdirSync(path));
  await refusesBundle(
    bundle({ ...directory, ...program("/directory") }),
    /permission denied|is a directory/i,
  );
});

test("a program that is a dangling link, or a loop of links, fails create", async () => {
  const dangling = withFile("link", (path) => symlinkSync("/nowhere", path));
  await refusesBundle(bundle({ ...dangling, ...program("/link") }), /no such file or directory/i);
  const loop = withFile("loop", (path) => symlinkSync("loop", path));
  await refusesBundle(bundle({ ...loop, ...program("/loop") }), /symbolic links|no such file/i);
});

test("a program that a later user may not execute fails create or start, and never runs", async () => {
  const rootfs = withFile("closed", (path) => {
    copyFileSync("/bin/busybox", path);
    chmodSync(path, 0o700);
  });
  const user = { user: { uid: 1000, gid: 1000 }, args: ["/closed", "echo", "ran"] };
  const id = freshName();
  const created = await runt(["create", "--bundle", bundle({ ...rootfs, process: user }), id]);
  if (created.code === 0) {
    const started = await runt(["start", id]);
    await runt(["delete", "--force", id]);
    if (!foreignRuntime) assert.is(started.code, 1);
  } else {
    assert.is(created.code, 1);
    assert.match(created.stderr, /permission denied/i);
  }
});

/** What only execve(2) finds out: the container is made, its start fails, and it is stopped. */
async function failsStart(patch: Patch, pattern: RegExp): Promise<void> {
  await withContainer(patch, async ({ id, create, does, becomes }) => {
    const { code, stderr } = await runt(["start", id]);
    assert.is(code, 1, `${pattern}: ${stderr}`);
    assert.match(stderr, pattern);
    const { pid } = await becomes("stopped");
    assert.is(pid, 0);
    const again = await runt(["start", id]);
    assert.is(again.code, 1);
    assert.match(again.stderr, /stopped/);
    assert.is(create.stdout(), "");
    await does("delete");
  });
}

if (!foreignRuntime) {
  test("a program of no known format fails start and leaves a stopped container", async () => {
    const text = withFile("odd", (path) => writeFileSync(path, "garbage", { mode: 0o755 }));
    await failsStart({ ...text, ...program("/odd") }, /exec format error/i);
    const empty = withFile("odd", (path) => writeFileSync(path, "", { mode: 0o755 }));
    await failsStart({ ...empty, ...program("/odd") }, /exec format error/i);
  });

  test("a script whose interpreter is missing fails start and leaves a stopped container", async () => {
    const script = withFile("odd", (path) => {
      writeFileSync(path, "#!/no/such/interpreter\n", { mode: 0o755 });
    });
    await failsStart({ ...script, ...program("/odd") }, /no such file or directory/i);
  });

  test("run reports what only execve finds out, and leaves nothing", async () => {
    const text = withFile("odd", (path) => writeFileSync(path, "garbage", { mode: 0o755 }));
    const directory = bundle({ ...text, ...program("/odd") });
    const { code, stderr } = await runt(["run", "--bundle", directory, freshName()]);
    assert.is(code, 1);
    assert.match(stderr, /exec format error/i);
  });

  test("an argument list that is too long fails start", async () => {
    const args = ["/bin/true", "x".repeat(200_000)];
    await failsStart({ process: { args } }, /argument list too long/i);
  });
}

test("a cwd that is a file, or below one, is an error", async () => {
  const rootfs = withFile("file", (path) => writeFileSync(path, ""));
  for (const cwd of ["/file", "/file/below"]) {
    await refusesBundle(bundle({ ...rootfs, process: { cwd } }), /not a directory/i);
  }
});

test("a mount whose target cannot be made is an error that names it", async () => {
  const rootfs = withFile("file", (path) => writeFileSync(path, ""));
  const mounts = [{ destination: "/file/below", type: "tmpfs", source: "tmpfs" }];
  await refusesBundle(bundle({ ...rootfs, mounts }), /\/file\/below|\/mounts\/0/);
});

test("a directory bound over a file, and a file over a directory, are errors", async () => {
  const rootfs = withFile("file", (path) => writeFileSync(path, ""));
  const source = freshDirectory();
  writeFileSync(join(source, "file"), "");
  for (const [from, to] of [
    [source, "/file"],
    [join(source, "file"), "/tmp"],
  ]) {
    const mounts = [{ destination: to ?? "", source: from ?? "", options: ["bind"] }];
    await refusesBundle(
      bundle({ ...rootfs, mounts }),
      /not a directory|is a directory|invalid argument/i,
    );
  }
});

test("symlinks in a loop on the way to a mount target are an error and no hang", async () => {
  const rootfs = withFile("loop", (path) => symlinkSync("loop", path));
  const mounts = [{ destination: "/loop/x", type: "tmpfs", source: "tmpfs" }];
  await refusesBundle(bundle({ ...rootfs, mounts }), /symbolic links|loop/i);
});

runTests();
