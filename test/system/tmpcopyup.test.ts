// tmpcopyup: a tmpfs begins with what it covers.

import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { syscall } from "../../runtime/sys/libc.ts";
import { cstr, piece } from "../../runtime/sys/memory.ts";
import { NR } from "../../runtime/sys/nr.ts";
import { defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, withContainer } from "../support/container.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runTests, test } from "../support/suite.ts";

function tmpfs(destination: string, ...options: string[]): Json {
  return { destination, type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", ...options] };
}

function withMounts(rootfs: string, ...added: Json[]): Patch {
  return { root: { path: rootfs }, mounts: [...defaultMounts, ...added] };
}

function host(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

/** A directory of everything that a file system can hold. */
function fill(directory: string): void {
  const at = (name: string): string => join(directory, name);
  mkdirSync(at("sub/deep"), { recursive: true });
  writeFileSync(at("sub/file"), "text\n");
  chownSync(at("sub/file"), 1000, 1001);
  chmodSync(at("sub/file"), 0o4751);
  utimesSync(at("sub/file"), 1_000_000_000, 1_100_000_000);
  linkSync(at("sub/file"), at("sub/deep/twin"));
  symlinkSync("/etc/passwd", at("link"));
  host("chown", "-h", "7:8", at("link"));
  symlinkSync("/no/such", at("dangling"));
  host("mkfifo", "-m", "640", at("fifo"));
  host("mknod", "-m", "606", at("null"), "c", "1", "3");
  writeFileSync(at("sparse"), "begin");
  truncateSync(at("sparse"), 1 << 30);
  writeFileSync(at("big"), "0123456789abcdef".repeat(200_000));
  chmodSync(at("sub"), 0o2750);
  utimesSync(at("sub"), 1_000_000_000, 1_200_000_000);
}

test("everything is there as it was: contents, owners, modes, times, links, nodes", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "data"));
  fill(join(rootfs, "data"));
  chownSync(join(rootfs, "data"), 20, 30);
  chmodSync(join(rootfs, "data"), 0o1770);
  const text = `
cd /data; ls
stat -c '%n %u:%g %a %Y %h' . sub sub/file
stat -c '%n %F %u:%g %a' link fifo null
[ sub/file -ef sub/deep/twin ] && echo twins; cat sub/deep/twin
readlink link; readlink dangling
stat -c '%s' sparse big; [ $(stat -c %b sparse) -lt 100 ] && echo sparse; head -c 5 sparse; echo
tail -c 20 big; echo; echo new > sub/file; grep ' /data ' /proc/self/mountinfo | wc -l`;
  const all = ["CAP_DAC_OVERRIDE", "CAP_CHOWN"];
  const capabilities = { bounding: all, effective: all, permitted: all };
  const stdout = await inside(text, {
    ...withMounts(rootfs, tmpfs("/data", "size=64m")),
    process: { capabilities },
  });
  assert.equal(stdout.trimEnd().split("\n"), [
    ...["big", "dangling", "fifo", "link", "null", "sparse", "sub"],
    ...[`. 20:30 1770 ${mtime(join(rootfs, "data"))} 3`, "sub 0:0 2750 1200000000 3"],
    "sub/file 1000:1001 4751 1100000000 2",
    "link symbolic link 7:8 777",
    "fifo fifo 0:0 640",
    "null character special file 0:0 606",
    ...["twins", "text", "/etc/passwd", "/no/such"],
    ...[`${1 << 30}`, "3200000", "sparse", "begin", "cdef0123456789abcdef", "1"],
  ]);
  assert.is(readFileSync(join(rootfs, "data/sub/file"), "utf8"), "text\n");
});

function mtime(path: string): number {
  return Math.floor(lstatSync(path).mtimeMs / 1000);
}

test("extended attributes are those of the image", async () => {
  const rootfs = newRootfs();
  const path = join(rootfs, "data/file");
  mkdirSync(join(rootfs, "data"));
  writeFileSync(path, "text\n");
  const [name, value] = ["trusted.of-mine", "any value"];
  withFile(path, (fd) => {
    const result = syscall(NR.fsetxattr, fd, cstr(name), cstr(value), value.length, 0);
    assert.is(result, 0);
  });
  const patch = withMounts(rootfs, tmpfs("/data"));
  await withContainer(patch, async ({ state }) => {
    const { pid } = await state();
    withFile(`/proc/${pid}/root/data/file`, (fd) => {
      const { address, bytes } = piece(64);
      const length = syscall(NR.fgetxattr, fd, cstr(name), address, 64);
      assert.is(bytes.toString("utf8", 0, Math.max(length, 0)), value);
    });
  });
});

function withFile(path: string, use: (fd: number) => void): void {
  const fd = openSync(path, "r");
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

test("read-only comes after the copy, an owner and a mode that are given win", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "data"));
  writeFileSync(join(rootfs, "data/file"), "text\n");
  const options = ["ro", "uid=5", "mode=711"];
  const mounts = withMounts(rootfs, tmpfs("/data", ...options), tmpfs("/none/there"));
  const text = "cat /data/file; touch /data/x || echo refused; stat -c %u:%a /data; ls /none/there";
  assert.is(await inside(text, mounts), "text\nrefused\n5:711\n");
});

test("no link is followed, and nothing that is mounted below is copied", async () => {
  const rootfs = newRootfs();
  const outside = freshDirectory();
  writeFileSync(join(outside, "secret"), "secret\n");
  mkdirSync(join(rootfs, "data/below"), { recursive: true });
  symlinkSync(outside, join(rootfs, "data/out"));
  symlinkSync(join(outside, "secret"), join(rootfs, "data/file"));
  const volume = { destination: "/data/below", source: outside, options: ["bind"] };
  const text = "ls /data; cat /data/below/* /data/file /data/out/* 2>/dev/null || true";
  const stdout = await inside(text, withMounts(rootfs, volume, tmpfs("/data")));
  assert.is(stdout, "file\nout\n");
});

test("a copy that does not fit, or goes too deep, is an error", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "big"));
  writeFileSync(join(rootfs, "big/file"), "x".repeat(1 << 20));
  const full = await run(withMounts(rootfs, tmpfs("/big", "size=64k")));
  assert.is(full.code, 1);
  assert.match(full.stderr, /mount\.filesystem \(\/mounts\/5\).*no space left on device/);
  mkdirSync(join(rootfs, `deep${"/d".repeat(300)}`), { recursive: true });
  const deep = await run(withMounts(rootfs, tmpfs("/deep")));
  assert.is(deep.code, 1);
  assert.match(deep.stderr, /more than 200 directories/);
});

runTests();
