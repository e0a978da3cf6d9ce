// Nothing of the host's is open in a container: CVE-2024-21626; and identities are numbers:
// CVE-2016-3697; and nothing is inheritable that was not asked for: CVE-2022-29162.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inside, run, withScript } from "../support/container.ts";
import { statusFields } from "../support/process.ts";
import { freshDirectory, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

test("a cwd behind any descriptor of ours is refused or inside (CVE-2024-21626)", async () => {
  writeFileSync(join(room.directory, "marker"), "host\n");
  const up = `${"../".repeat(30)}${room.directory.slice(1)}/marker`;
  const text = `cat ${up} && echo ESCAPED; readlink /proc/self/cwd`;
  for (let fd = 3; fd <= 40; fd++) {
    const cwd = `/proc/${fd % 2 === 0 ? "self" : "thread-self"}/fd/${fd}`;
    const { code, stdout } = await run(withScript(text, { process: { cwd } }));
    assert.not.match(stdout, /ESCAPED/, cwd);
    if (code === 0) assert.match(stdout, /^\//, cwd);
  }
});

test("a cwd of /proc/PID/cwd, root or a symlink to a descriptor does not lead outside", async () => {
  writeFileSync(join(room.directory, "marker"), "host\n");
  const up = `${"../".repeat(30)}${room.directory.slice(1)}/marker`;
  const rootfs = newRootfs();
  for (let fd = 3; fd <= 20; fd++) {
    Bun.spawnSync(["ln", "-s", `/proc/self/fd/${fd}`, join(rootfs, `fd${fd}`)]);
  }
  const links = Array.from({ length: 18 }, (_, index) => `/fd${index + 3}`);
  for (const cwd of ["/proc/self/cwd", "/proc/self/root", "/proc/1/root/..", ...links]) {
    const text = `cat ${up} && echo ESCAPED`;
    const { stdout } = await run(withScript(text, { root: { path: rootfs }, process: { cwd } }));
    assert.not.match(stdout, /ESCAPED/, cwd);
  }
});

test("a program behind a descriptor of ours is refused or inside", async () => {
  for (let fd = 3; fd <= 20; fd++) {
    const path = `/proc/self/fd/${fd}/bin/busybox`;
    const { code, stdout } = await run({ process: { args: [path, "ls", "/etc/hostname"] } });
    if (!foreignRuntime) assert.is.not(code, 0, path);
    assert.not.match(stdout, /hostname/);
  }
});

test("a numeric user is a number, whatever passwd calls so (CVE-2016-3697)", async () => {
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "etc/passwd"), "1000:x:0:0:root:/evil:/bin/sh\nroot:x:0:0::/:/x\n");
  writeFileSync(join(rootfs, "etc/group"), "1000:x:0:\n");
  const patch = { root: { path: rootfs }, process: { user: { uid: 1000, gid: 1000 } } };
  const fields = statusFields(await inside("cat /proc/self/status", patch));
  assert.match(fields["Uid"] ?? "", /^1000\s+1000\s+1000\s+1000$/);
  assert.match(fields["Gid"] ?? "", /^1000\s+1000\s+1000\s+1000$/);
});

test("an odd passwd of the image changes nothing but HOME, and does not hang", async () => {
  const user = { user: { uid: 1000, gid: 1000 } };
  for (const make of [
    (path: string) => writeFileSync(path, "x".repeat(5_000_000)),
    (path: string) => writeFileSync(path, ":::::::\n1000\nu:x:1000:1000::/home=\n:::\n"),
    (path: string) => writeFileSync(path, Buffer.from([0, 255, 10, 0])),
    (path: string) => mkdirSync(path),
    (path: string) => Bun.spawnSync(["mkfifo", path]),
    (path: string) => Bun.spawnSync(["ln", "-s", "/dev/zero", path]),
    (path: string) => Bun.spawnSync(["ln", "-s", "/proc/kmsg", path]),
  ]) {
    const rootfs = newRootfs();
    Bun.spawnSync(["rm", join(rootfs, "etc/passwd")]);
    make(join(rootfs, "etc/passwd"));
    const patch = { root: { path: rootfs }, process: user };
    const { code, stdout, stderr } = await run(withScript("grep Uid /proc/self/status", patch), {
      limitMs: 5000,
    });
    if (foreignRuntime) continue;
    assert.is(code, 0, stderr);
    assert.match(stdout, /1000/);
  }
});

test("no capability is inheritable unless configured so (CVE-2022-29162)", async () => {
  const fields = statusFields(await inside("cat /proc/self/status"));
  assert.is(fields["CapInh"], "0000000000000000");
  assert.is(fields["CapAmb"], "0000000000000000");
});

test("strings of seventy kilobytes are told from short ones (CVE-2021-43784)", async () => {
  const long = "x".repeat(70_000);
  for (const patch of [
    { mounts: [{ destination: "/tmp", source: `/${long}`, options: ["bind"] }] },
    { mounts: [{ destination: `/${long}`, type: "tmpfs", source: "tmpfs" }] },
    { mounts: [{ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: [`a=${long}`] }] },
    { root: { path: `/${long}` } },
    { hostname: long },
    { process: { cwd: `/${long}` } },
    { process: { args: [`/${long}`] } },
    { linux: { maskedPaths: [`/${long}`] } },
    { linux: { cgroupsPath: `/${long}` } },
  ]) {
    const { code, stderr } = await run(patch);
    if (foreignRuntime) continue;
    assert.is(code, 1, JSON.stringify(patch).slice(0, 60));
    assert.ok(stderr.length < 200_000);
    assert.not.match(stderr, /\$bunfs|TypeError/);
  }
});

test("the log, the state root and the bundle are not reachable from the container", async () => {
  const secret = freshDirectory();
  const text = `ls ${secret} ${room.directory}; find / -xdev -name '*.json' | head -5; true`;
  assert.is(await inside(`(${text}) 2> /dev/null`), "");
});

runTests();
