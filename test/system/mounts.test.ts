// What is mounted where: kinds of mounts, their targets, and their order.

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, withContainer, withScript } from "../support/container.ts";
import { mountAt, parseMountinfo } from "../support/mountinfo.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

function withMounts(...added: Json[]): Patch {
  return { mounts: [...defaultMounts, ...added] };
}

function bind(source: string, destination: string, ...options: string[]): Json {
  return { destination, type: "bind", source, options: ["bind", ...options] };
}

/** Shell words that succeed if something is mounted at a path. */
function isMounted(path: string): string {
  return `grep -q ' ${path} ' /proc/self/mountinfo`;
}

test("a directory is bound, and what the container writes there is on the host", async () => {
  const source = freshDirectory();
  writeFileSync(join(source, "in"), "from host\n");
  const text = "cat /data/in; echo from container > /data/out";
  const root = { path: newRootfs() };
  assert.is(await inside(text, { root, ...withMounts(bind(source, "/data")) }), "from host\n");
  assert.is(readFileSync(join(source, "out"), "utf8"), "from container\n");
});

test("a file is bound over a file, or over one that is made", async () => {
  const source = join(freshDirectory(), "file");
  writeFileSync(source, "bound\n");
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "etc/there"), "covered\n");
  const mounts = withMounts(bind(source, "/etc/there"), bind(source, "/made/deep/file", "ro"));
  const text = "cat /etc/there /made/deep/file";
  assert.is(await inside(text, { root: { path: rootfs }, ...mounts }), "bound\nbound\n");
  assert.ok(lstatSync(join(rootfs, "made/deep/file")).isFile());
  assert.is(readFileSync(join(rootfs, "etc/there"), "utf8"), "covered\n");
});

test("missing directories on the way to a target are made with mode 0755", async () => {
  const rootfs = newRootfs();
  const mount = { destination: "/a/b/c", type: "tmpfs", source: "tmpfs" };
  const through = ["sh", "-c", 'umask 0077; exec "$@"', "sh"];
  await inside(isMounted("/a/b/c"), { root: { path: rootfs }, ...withMounts(mount) }, { through });
  for (const path of ["a", "a/b", "a/b/c"]) {
    assert.is(statSync(join(rootfs, path)).mode & 0o7777, 0o755, path);
  }
});

test("mounts are made in the order of the list", async () => {
  const [one, two] = [freshDirectory(), freshDirectory()];
  writeFileSync(join(one, "name"), "one\n");
  writeFileSync(join(two, "name"), "two\n");
  const root = { path: newRootfs() };
  const order = withMounts(bind(one, "/data"), bind(two, "/data"));
  assert.is(await inside("cat /data/name", { root, ...order }), "two\n");
  shows("config.mounts.order");
});

test("a relative source of a bind mount is taken from the bundle", async () => {
  const directory = bundle(
    withScript("cat /data/name", {
      root: { path: newRootfs() },
      ...withMounts(bind("here", "/data")),
    }),
  );
  mkdirSync(join(directory, "here"));
  writeFileSync(join(directory, "here/name"), "relative\n");
  const { stdout, stderr } = await runt(["run", "--bundle", directory, freshName()]);
  assert.is(stdout, "relative\n", stderr);
});

test("a relative root path is taken from the bundle", async () => {
  const directory = bundle({ root: { path: "rootfs" }, process: { args: ["/bin/echo", "hi"] } });
  Bun.spawnSync(["cp", "-a", newRootfs(), join(directory, "rootfs")]);
  const { stdout, stderr } = await runt(["run", "--bundle", directory, freshName()]);
  assert.is(stdout, "hi\n", stderr);
});

test("a relative destination is taken from the container's root", async () => {
  const source = freshDirectory();
  writeFileSync(join(source, "name"), "relative\n");
  const patch = { root: { path: newRootfs() }, ...withMounts(bind(source, "data")) };
  assert.is(await inside("cat /data/name", patch), "relative\n");
  shows("config.mounts.destination.relative");
});

test("a target behind a symlink of the image is inside of the image", async () => {
  const rootfs = newRootfs();
  const source = freshDirectory();
  writeFileSync(join(source, "name"), "inside\n");
  mkdirSync(join(rootfs, "real"));
  symlinkSync("/real", join(rootfs, "link"));
  const patch = { root: { path: rootfs }, ...withMounts(bind(source, "/link/sub")) };
  assert.is(await inside("cat /real/sub/name", patch), "inside\n");
});

test("a target that climbs out by a symlink stays inside of the image", async () => {
  for (const way of ["../../../../../../../..", "/../../.."]) {
    const rootfs = newRootfs();
    const name = freshName();
    symlinkSync(`${way}/tmp`, join(rootfs, "out"));
    const mount = { destination: `/out/${name}`, type: "tmpfs", source: "tmpfs" };
    const text = `${isMounted(`/tmp/${name}`)} && echo inside`;
    assert.is(await inside(text, { root: { path: rootfs }, ...withMounts(mount) }), "inside\n");
    assert.not(existsSync(`/tmp/${name}`));
    assert.ok(existsSync(join(rootfs, "tmp", name)));
  }
});

test("a target with dots in its path stays inside of the image", async () => {
  const rootfs = newRootfs();
  const name = freshName();
  const mount = { destination: `/../../tmp/../tmp/${name}`, type: "tmpfs", source: "tmpfs" };
  const text = `${isMounted(`/tmp/${name}`)} && echo inside`;
  assert.is(await inside(text, { root: { path: rootfs }, ...withMounts(mount) }), "inside\n");
  assert.not(existsSync(`/tmp/${name}`));
});

test("a missing source of a bind mount is an error that names it", async () => {
  const { code, stderr } = await run(withMounts(bind("/no/such/source", "/tmp/x")));
  assert.is(code, 1);
  assert.match(stderr, /\/no\/such\/source/);
  if (!foreignRuntime) assert.match(stderr, /\/mounts\/5\/source/);
  assert.match(stderr, /no such file or directory/i);
});

test("an unknown type of filesystem is an error that names it", async () => {
  const mount = { destination: "/tmp/x", type: "nosuchfs", source: "x" };
  const { code, stderr } = await run(withMounts(mount));
  assert.is(code, 1);
  assert.match(stderr, /nosuchfs|no such device/i);
  if (!foreignRuntime) assert.match(stderr, /no filesystem of type .*nosuchfs/);
});

test("a file on a directory, and a directory on a file, are told apart", async () => {
  const rootfs = newRootfs();
  const file = join(freshDirectory(), "file");
  writeFileSync(file, "");
  const rows: [mount: Json, words: RegExp][] = [
    [
      bind(file, "/tmp"),
      /file on \/tmp: not a directory .*hint: a file cannot be mounted on a dir/,
    ],
    [bind("/tmp", "/etc/passwd"), /\/tmp on \/etc\/passwd: not a directory .*hint: a directory /],
    [{ destination: "/etc/passwd", type: "tmpfs" }, /tmpfs on \/etc\/passwd: not a directory/],
  ];
  for (const [mount, words] of rows) {
    const { code, stderr } = await run({ root: { path: rootfs }, ...withMounts(mount) });
    assert.is(code, 1);
    if (!foreignRuntime) assert.match(stderr, words);
  }
});

test("nothing is mounted on the root itself, by whatever path", async () => {
  if (foreignRuntime) return;
  const rootfs = newRootfs();
  symlinkSync("..", join(rootfs, "link"));
  const tmpfs = (destination: string): Json => ({ destination, type: "tmpfs", source: "tmpfs" });
  for (const mount of [tmpfs("/"), tmpfs("/tmp/.."), tmpfs("/link"), bind("/tmp", "/link")]) {
    const { code, stderr } = await run({ root: { path: rootfs }, ...withMounts(mount) });
    assert.is(code, 1);
    assert.match(stderr, /\/mounts\/5.*root filesystem/);
  }
});

test("targets are made inside of mounts made before, files and directories", async () => {
  const [volume, source] = [freshDirectory(), join(freshDirectory(), "file")];
  writeFileSync(source, "bound\n");
  const tmpfs = { destination: "/tmp", type: "tmpfs", source: "tmpfs" };
  const list = withMounts(
    bind(volume, "/volume"),
    bind(source, "/volume/made/file"),
    tmpfs,
    { destination: "/tmp/made/sub", type: "tmpfs", source: "sub", options: ["ro"] },
    bind(source, "/tmp/made/file"),
    bind(source, "/tmp/made/file"),
  );
  const text = `cat /volume/made/file /tmp/made/file; touch /tmp/made/sub/x || echo refused`;
  const stdout = await inside(text, { root: { path: newRootfs(), readonly: true }, ...list });
  assert.is(stdout, "bound\nbound\nrefused\n");
  assert.is(readFileSync(join(volume, "made/file"), "utf8"), "");
});

test("mounts are listed in the order in which they are written", async () => {
  const source = freshDirectory();
  const tmpfs = (destination: string): Json => ({ destination, type: "tmpfs", source: "tmpfs" });
  const order = ["/tmp/a", "/tmp/b", "/tmp/c", "/tmp/d"];
  const list = [tmpfs("/tmp"), tmpfs("/tmp/a"), bind(source, "/tmp/b"), tmpfs("/tmp/c")];
  const text = await inside(
    "cat /proc/self/mountinfo",
    withMounts(...list, bind(source, "/tmp/d")),
  );
  const found = parseMountinfo(text).map(({ target }) => target);
  assert.equal(
    found.filter((target) => order.includes(target)),
    order,
  );
});

test("tmpfs takes the mode of the directory that it covers unless one is given", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "closed"), { mode: 0o700 });
  const tmpfs = (destination: string, ...options: string[]): Json => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options,
  });
  mkdirSync(join(rootfs, "given"), { mode: 0o700 });
  const mounts = withMounts(tmpfs("/closed"), tmpfs("/given", "mode=1777"));
  const text = "stat -c %a /closed /given";
  assert.is(await inside(text, { root: { path: rootfs }, ...mounts }), "700\n1777\n");
});

test("a read-only root is read-only, with and without mounts on it", async () => {
  const root = { path: newRootfs(), readonly: true };
  const scratch = { destination: "/tmp", type: "tmpfs", source: "tmpfs" };
  const text = "touch /tmp/x && echo tmp; touch /x || echo refused; cat /proc/self/mountinfo";
  const stdout = await inside(text, { root, ...withMounts(scratch) });
  assert.ok(stdout.startsWith("tmp\nrefused\n"), stdout);
  assert.ok(mountAt(stdout.slice(12), "/").options.includes("ro"));
  shows("config.root.readonly");
});

test("a root that is not read-only is writable, and what is written is in the image", async () => {
  const rootfs = newRootfs();
  await inside("echo text > /file", { root: { path: rootfs } });
  assert.is(readFileSync(join(rootfs, "file"), "utf8"), "text\n");
});

test("missing targets are made below a root that will be read-only", async () => {
  const root = { path: newRootfs(), readonly: true };
  const mount = { destination: "/new/place", type: "tmpfs", source: "tmpfs" };
  assert.is(await inside("touch /new/place/x; echo ok", { root, ...withMounts(mount) }), "ok\n");
});

test("the host's mounts are out of sight", async () => {
  const text = await inside("cut -d' ' -f5 /proc/self/mountinfo");
  const targets = new Set(text.trimEnd().split("\n"));
  assert.equal(
    [...targets].filter((target) => !/^\/(proc|dev|sys)?(\/|$)/.test(target)),
    [],
  );
  assert.equal(targets.has("/"), true);
});

test("mounts of the container do not show on the host", async () => {
  const rootfs = newRootfs();
  const mount = { destination: "/data", type: "tmpfs", source: "tmpfs" };
  const patch = { root: { path: rootfs }, ...withMounts(mount), ...sleeper };
  await withContainer(patch, async ({ does }) => {
    await does("start");
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), rootfs);
  });
});

const sleeper = { process: { args: ["/bin/sleep", "100"] } };

test("the root's propagation is slave by default and as configured otherwise", async () => {
  const text = "cat /proc/self/mountinfo";
  for (const [rootfsPropagation, pattern] of [
    ["shared", /shared:/],
    ["slave", /^(master:\d+)?$/],
    ["private", /^$/],
    ["unbindable", /unbindable/],
  ] as const) {
    const stdout = await inside(text, { linux: { rootfsPropagation } });
    assert.match(mountAt(stdout, "/").propagation.join(" "), pattern, rootfsPropagation);
  }
});

test("an unknown propagation is an error", async () => {
  const { code, stderr } = await run({ linux: { rootfsPropagation: "sideways" } });
  assert.is(code, 1);
  assert.match(stderr, /sideways/);
});

test("a bind mount of procfs may cover /proc, another filesystem may not", async () => {
  const mount = { destination: "/proc", type: "tmpfs", source: "tmpfs" };
  const { code, stderr } = await run({ mounts: [mount] });
  assert.is(code, 1);
  assert.match(stderr, /proc/);
  if (foreignRuntime) return;
  const patch = { mounts: [bind("/proc", "/proc"), ...defaultMounts.slice(1)] };
  assert.is(await inside(`${isMounted("/proc")} && echo ok`, patch), "ok\n");
});

test("a mount on a file below /proc is refused unless it is a known one", async () => {
  const source = join(freshDirectory(), "uptime");
  writeFileSync(source, "1.00 1.00\n");
  assert.is(
    await inside("cat /proc/uptime", withMounts(bind(source, "/proc/uptime"))),
    "1.00 1.00\n",
  );
  const { code } = await run(withMounts(bind(source, "/proc/1/environ")));
  assert.is(code, 1);
});

test("a mount of type cgroup shows the container's own cgroup in each hierarchy", async () => {
  const mount = {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
  };
  const text = "cat /sys/fs/cgroup/pids/cgroup.procs; touch /sys/fs/cgroup/x || echo refused";
  const stdout = await inside(text, withMounts(mount));
  assert.match(stdout, /^1\n/);
  assert.match(stdout, /refused/);
});

runTests();
